//go:build unix

package journal

import (
	"os"
	"syscall"
)

// lock keeps other processes from using the file. The operating system lets go
// of it when the process ends, however that comes.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
