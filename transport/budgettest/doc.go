// Package budgettest says what every [transport.Budget] must do, as tests to run
// against one, and has the reference that does it in memory.
package budgettest
