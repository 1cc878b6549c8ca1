package main

import "syscall"

// ownGroup keeps the console's interrupt from a process that is started with it:
// the run handles the interrupt, and ends what it started.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
