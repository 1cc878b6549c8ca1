package clerkthrottle

import "time"

// LimitsDate is the date on which [Limits] was last checked against Clerk's
// documentation, the page "System limits"
// (https://clerk.com/docs/guides/how-clerk-works/system-limits). Clerk changes that
// page several times a year: use [WithLimit] until this module catches up.
const LimitsDate = "2026-08-21"

// Scope says which requests are counted together against a [Limit].
type Scope int

const (
	// PerInstance: all requests to one Clerk application instance, with any of its
	// secret keys.
	PerInstance Scope = iota
	// PerResource: all requests to one resource of an instance, identified by the
	// path's parameters (a user, an organization, a membership).
	PerResource
	// PerAddress: all requests from one client address, as Clerk sees it: the
	// leftmost X-Forwarded-For entry, or this process if there is none.
	PerAddress
)

// String returns "instance", "resource" or "address".
func (s Scope) String() string {
	if s < PerInstance || s > PerAddress {
		return "unknown scope"
	}
	return [...]string{"instance", "resource", "address"}[s]
}

// Limit is one row of Clerk's limits: at most N requests may reach Clerk in any Window.
// A request draws on every row that matches it.
type Limit struct {
	// Name is the row's name in messages, snapshots and [WithLimit]: its first
	// operation, or "instance" for the row of all Backend API requests.
	Name string
	// Operations lists the operations that share the row, each written
	// "METHOD /path/{template}". Nil means all Backend API requests of the instance.
	Operations []string
	N          int
	Window     time.Duration
	Scope      Scope
}

// InstanceLimit is the name of the row that every Backend API request draws on.
const InstanceLimit = "instance"

// unlimited lists the Backend API operations that draw on no row.
var unlimited = []string{"GET /v1/jwks"}

// Limits returns Clerk's documented limits for an instance type, the instance's own row
// first. [Auto] returns those of [Development], the stricter type. The caller may
// modify the slice.
//
// Where the documentation is silent, Limits takes the safe reading: a request draws on
// its operation's row and on the instance's, and the operations of a row share one
// count.
func Limits(t InstanceType) []Limit {
	instance := Limit{Name: InstanceLimit, N: 100, Window: 10 * time.Second}
	if t == Production {
		instance.N = 1000
	}
	return append([]Limit{instance}, operationLimits()...)
}

// operationLimits returns the rows that are the same for every instance type. The
// Frontend API rows list the paths that Clerk serves, and then the spelling of the
// documentation, which no specification has.
func operationLimits() []Limit {
	return []Limit{
		// Backend API, per hour for the whole instance.
		row(100, time.Hour, PerInstance, "POST /v1/invitations"),
		row(25, time.Hour, PerInstance, "POST /v1/invitations/bulk"),
		row(250, time.Hour, PerInstance, "POST /v1/organizations/{organization_id}/invitations"),
		row(50, time.Hour, PerInstance, "POST /v1/organizations/{organization_id}/invitations/bulk"),

		// Backend API, writes to one resource.
		row(10, 10*time.Second, PerResource,
			"PATCH /v1/users/{user_id}",
			"PATCH /v1/users/{user_id}/metadata",
			"PUT /v1/users/{user_id}/metadata"),
		row(10, 10*time.Second, PerResource,
			"PATCH /v1/organizations/{organization_id}",
			"PATCH /v1/organizations/{organization_id}/metadata",
			"PUT /v1/organizations/{organization_id}/metadata"),
		row(10, 10*time.Second, PerResource,
			"PATCH /v1/organizations/{organization_id}/memberships/{user_id}",
			"PATCH /v1/organizations/{organization_id}/memberships/{user_id}/metadata"),

		// Frontend API, per visitor.
		row(5, 10*time.Second, PerAddress,
			"POST /v1/client/sign_ins",
			"POST /v1/sign_ins"),
		row(5, 10*time.Second, PerAddress,
			"POST /v1/client/sign_ups",
			"POST /v1/sign_ups"),
		row(3, 10*time.Second, PerAddress,
			"POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor",
			"POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor",
			"POST /v1/sign_ins/attempt_first_factor",
			"POST /v1/sign_ins/attempt_second_factor"),
		row(3, 10*time.Second, PerAddress,
			"POST /v1/client/sign_ups/{sign_up_id}/attempt_verification",
			"POST /v1/sign_ups/attempt_verification"),
	}
}

func row(n int, window time.Duration, scope Scope, operations ...string) Limit {
	return Limit{Name: operations[0], Operations: operations, N: n, Window: window, Scope: scope}
}
