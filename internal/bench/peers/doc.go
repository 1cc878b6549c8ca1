// Package peers holds the libraries that a program might put under its Clerk client
// instead of the throttle, each configured as its documentation advises.
package peers
