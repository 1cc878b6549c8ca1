// Package budgettest is a conformance suite: it tests what a [transport.Transport]
// must do on any [transport.Budget]. It also has a reference Budget, [Memory], and
// the reference for dividing tokens, [Divide].
//
//	func TestMyBudget(t *testing.T) {
//		budgettest.Run(t, func(t *testing.T) transport.Budget { return newMyBudget(t) })
//	}
//
// The tests run in the virtual time of a [testing/synctest] bubble, where a window of
// ten seconds costs nothing. A budget that needs a socket cannot run there: test it
// with [RealTime]. The package's own tests list faults that a budget can have, and
// show that the suite finds each.
package budgettest
