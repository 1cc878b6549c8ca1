// Package bench compares the throttle with other libraries and measures it. Package
// sim plays programs against a server that counts, package peers holds the libraries,
// and this package makes the report: [Cases] are scenarios in which all have the same
// work to do, and RESULTS.md has the outcomes. Its tests check RESULTS.md against a
// new run, and the throttle against the figures in README.md.
//
//	go test ./internal/bench -run TestPeers -update         # RESULTS.md and charts, 2 minutes
//	go test ./internal/bench -run TestOverhead -overhead -v # what a request costs
//	go test ./internal/bench -run TestSoak -day -timeout 60m
//	go test ./internal/bench -run TestManyPrograms -v       # programs that share a limit
package bench
