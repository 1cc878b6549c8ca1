// Package api keeps a listing of what each published package exports, one text file
// per package, so that changes of the interface show in review. Its test fails if a
// listing and the code differ, and
//
//	go test ./internal/api -update
//
// rewrites the listings. They contain declarations without comments: wording may
// change freely, names and types may not.
package api
