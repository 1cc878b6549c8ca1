// Package peers holds libraries that a program could use under its Clerk client
// instead of the throttle, each configured as its documentation recommends.
package peers
