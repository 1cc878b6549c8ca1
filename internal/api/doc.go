// Package api keeps a listing of what each published package exports, one text
// file a package, so that a change of the interface is seen in review and not by
// those who import it. Its test fails when a listing and the code differ, and
//
//	go test ./internal/api -update
//
// writes the listings anew. They hold declarations without their comments: words
// may change freely, names and types may not.
package api
