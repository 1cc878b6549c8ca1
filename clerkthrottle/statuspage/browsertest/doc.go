// Package browsertest looks at package statuspage through Chromium. It has a
// module of its own, so that nobody who imports the throttle is handed the
// machinery of a browser.
//
//	go test -timeout 5m ./clerkthrottle/statuspage/browsertest
//
// Chromium is what CHROMIUM_BIN names, or what is found on the PATH. Without
// one the tests are skipped; with CLERKTHROTTLE_REQUIRE_CHROMIUM=1 they fail.
//
// The README's screenshots are written by
//
//	go test -timeout 5m ./clerkthrottle/statuspage/browsertest -run TestScreenshots -update
package browsertest
