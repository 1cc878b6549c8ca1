package clerkthrottle

import "time"

// LimitsDate is the day on which [Limits] was last compared with Clerk's
// documentation, the page "System limits"
// (https://clerk.com/docs/guides/how-clerk-works/system-limits). Clerk changes that
// page several times a year: until this module has caught up, use [WithLimit].
const LimitsDate = "2026-08-21"

// Scope says who shares one count of a [Limit].
type Scope int

const (
	// PerInstance: all requests to one Clerk application instance, whatever
	// secret key of it they carry.
	PerInstance Scope = iota
	// PerResource: all requests to one resource of an instance, named by the
	// path's parameters (one user, one organization, one membership).
	PerResource
	// PerAddress: all requests from one client address, as Clerk sees it: the
	// leftmost X-Forwarded-For entry, or the sending process itself.
	PerAddress
)

// String returns the scope in the words of the documentation.
func (s Scope) String() string {
	if s < PerInstance || s > PerAddress {
		return "unknown scope"
	}
	return [...]string{"instance", "resource", "address"}[s]
}

// Limit is one row of Clerk's limits: no more than N requests may reach Clerk
// in any Window. A request draws on every row that matches it.
type Limit struct {
	// Name is what messages, snapshots and [WithLimit] call the row: the first
	// of its operations, or "instance" for the row of all Backend requests.
	Name string
	// Operations lists the "METHOD /path/{template}" operations that share the
	// row; nil means every Backend API request of the instance.
	Operations []string
	N          int
	Window     time.Duration
	Scope      Scope
}

// InstanceLimit is the name of the row that every Backend API request draws on.
const InstanceLimit = "instance"

// unlimited lists the Backend operations that draw on no row at all.
var unlimited = []string{"GET /v1/jwks"}

// Limits returns the documented limits of an instance type, the row of the
// whole instance first. [Auto] gives the table of [Development], the stricter
// of the two. The slice is the caller's own.
//
// Where the documentation is silent, the reading is the safe one: a request
// draws on its own row and on the instance's, and the operations of a row share
// one count.
func Limits(t InstanceType) []Limit {
	instance := Limit{Name: InstanceLimit, N: 100, Window: 10 * time.Second}
	if t == Production {
		instance.N = 1000
	}
	return append([]Limit{instance}, operationLimits()...)
}

// operationLimits holds the rows that are the same for every instance type.
// The Frontend rows name the paths that Clerk serves and, behind them, the
// spelling that the documentation prints, which no specification knows.
func operationLimits() []Limit {
	return []Limit{
		// Backend API, per hour, counted for the instance as a whole.
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
