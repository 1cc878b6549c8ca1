// Package sim simulates programs that call Clerk, in virtual time and with the real
// code: the program's client on one side, clerktest's server on the other, and a
// network with random latency between them.
//
// A [Scenario] says which programs there are, when they start and stop, how their
// callers behave and how the server counts. [Run] plays it and returns a [Result], by
// program and second. The random numbers of every request follow from the scenario's
// seed, the caller and the request's number, so that a run can be repeated. Ten
// minutes of a saturated limit take some seconds:
//
//	go test ./internal/bench -run TestManyPrograms -v
package sim
