// Package adapt learns, from the 429s it meets, the rate that a program may
// keep beside others that draw on the same limit.
package adapt
