// Package bench compares the throttle with others, and measures it. Package sim plays
// programs against a server that counts, package peers holds what the throttle is
// compared with, and this one makes the report: [Cases] are the scenarios in which all
// have the same work to do, and RESULTS.md says what came of it. Its tests hold that to
// what comes out today, and the throttle to the figures that README.md lists.
//
//	go test ./internal/bench -run TestPeers -update         # RESULTS.md and charts, 2 minutes
//	go test ./internal/bench -run TestOverhead -overhead -v # what a request costs
//	go test ./internal/bench -run TestSoak -day -timeout 60m
//	go test ./internal/bench -run TestManyPrograms -v       # programs that share a limit
package bench
