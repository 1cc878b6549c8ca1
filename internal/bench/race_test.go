//go:build race

package bench

// underRace: the race detector makes a simulation ten times as slow, and its
// numbers are the same. One run of each kind is enough then.
const underRace = true
