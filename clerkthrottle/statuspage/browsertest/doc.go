// Package browsertest tests package statuspage in Chromium. It is a module of its
// own, so that users of the throttle do not get a browser's dependencies.
//
//	go test -timeout 5m ./clerkthrottle/statuspage/browsertest
//
// It runs the Chromium that CHROMIUM_BIN names, or the one on the PATH. Without one
// the tests are skipped, or fail with CLERKTHROTTLE_REQUIRE_CHROMIUM=1.
//
// The README's screenshots are written by
//
//	go test -timeout 5m ./clerkthrottle/statuspage/browsertest -run TestScreenshots -update
package browsertest
