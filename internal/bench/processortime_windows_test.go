package bench

import (
	"syscall"
	"time"
)

func processorTime() time.Duration {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		panic(err)
	}
	var started, ended, kernel, user syscall.Filetime
	if err := syscall.GetProcessTimes(self, &started, &ended, &kernel, &user); err != nil {
		panic(err)
	}
	of := func(f syscall.Filetime) time.Duration { // in units of 100 ns
		return time.Duration(int64(f.HighDateTime)<<32|int64(f.LowDateTime)) * 100
	}
	return of(kernel) + of(user)
}
