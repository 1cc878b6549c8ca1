//go:build !unix

package journal

import "os"

// lock trusts the user where there is no flock.
func lock(*os.File) error { return nil }
