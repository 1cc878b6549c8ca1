// Package bench simulates programs that call Clerk, in virtual time and over
// the real code: the throttle on one side, clerktest's server on the other, and
// between them a network with random latency.
//
// A [Scenario] says which programs there are, when they come and go, how their
// callers arrive and how the server counts; [Run] plays it and returns a
// [Result], by program and second. Ten minutes of a saturated limit take about
// a second. The random numbers of every request follow from the scenario's
// seed, the caller and the request's number, so that a run can be repeated.
//
// The tables of the project come from here. [Cases] are scenarios in which the
// throttle and its [Peers] have the same work to do, and RESULTS.md says what
// came of it; a test holds it to what comes out today. [Soak] is a long life
// with everything that can go wrong.
//
//	go test ./internal/bench -run TestPeers -update         # RESULTS.md and charts, 2 minutes
//	go test ./internal/bench -run TestOverhead -overhead -v # what a request costs
//	go test ./internal/bench -run TestSoak -day -timeout 60m
//	go test ./internal/bench -run TestManyPrograms -v       # programs that share a limit
package bench
