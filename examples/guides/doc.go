// Package guides holds the guides, and the code in them: every block of Go in a
// guide is a piece of a test file here, which compiles and runs. After changing
// one, bring the guides up to date:
//
//	go test ./examples/guides -run Guides -update
package guides
