// Package budgettest says what a [transport.Transport] must do, wherever the tokens
// of its limits lie, as tests to run with any [transport.Budget]; and it has the
// reference of a Budget, [Memory], and of how tokens are divided, [Divide].
//
//	func TestMyBudget(t *testing.T) {
//		budgettest.Run(t, func(t *testing.T) transport.Budget { return newMyBudget(t) })
//	}
//
// The tests run in the virtual time of a [testing/synctest] bubble, where a
// window of ten seconds costs nothing. A budget that needs a socket cannot live
// there and is tested in [RealTime]. The package's own tests list mistakes that a
// budget can make, and show that each is found.
package budgettest
