// Package fleettest holds the tests of redisbudget that need a Redis: in memory, in
// virtual time, and real servers. It is a module of its own, so that nobody who uses
// redisbudget is handed what only its tests need.
package fleettest
