// Package fleettest holds the tests of redisbudget that need a Redis: in memory, in
// virtual time, and real servers. It is a module of its own, so that users of
// redisbudget do not get its tests' dependencies.
package fleettest
