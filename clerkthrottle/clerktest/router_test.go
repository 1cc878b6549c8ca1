package clerktest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func TestRequestIsNamedByItsOperation(t *testing.T) {
	server := clerktest.New()
	for _, test := range []struct{ key, op, want string }{
		{devKey, "GET /v1/users/user_1", "GET /v1/users/{user_id}"},
		{devKey, "GET /v1/users/count", "GET /v1/users/count"},
		{devKey, "HEAD /v1/users/count", "GET /v1/users/count"},
		{devKey, "GET /users/user_1", "GET /v1/users/{user_id}"},
		{devKey, "POST /api_keys", "POST /v1/api_keys"},
		{devKey, "POST /m2m_tokens/verify", "POST /v1/m2m_tokens/verify"},
		{devKey, "GET //v1/users/?limit=1", "GET /v1/users"},
		{devKey, "GET /v1/users/a%2Fb", "GET /v1/users/{user_id}"},
		{devKey, "POST /v1/organizations/org_1/invitations/bulk", "POST /v1/organizations/{organization_id}/invitations/bulk"},
		{devKey, "POST /v1/organizations/org_1/invitations", "POST /v1/organizations/{organization_id}/invitations"},
		{devKey, "GET /v1/new_thing/thing_2aB3/part", "GET /v1/new_thing/{id}/part"},
		{devKey, "GET /v2/x", "GET /v1/v2/x"},
		{"", "POST /v1/client/sign_ins", "POST /v1/client/sign_ins"},
		{devKey, "POST /v1/client/sign_ins", "POST /v1/client/sign_ins"},
		{"", "POST /__clerk/v1/client/sign_ins", "POST /v1/client/sign_ins"},
		{devKey, "POST /__clerk/v1/client/sign_ins/sia_1/attempt_first_factor", "POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor"},
		{"", "POST /v1/sign_ups/attempt_verification", "POST /v1/sign_ups/attempt_verification"},
		{"", "POST /v1/me?_method=PATCH", "PATCH /v1/me"},
		{"", "POST /v1/client/sign_ups/sua_1?_method=patch", "PATCH /v1/client/sign_ups/{sign_up_id}"},
		{"", "POST /v1/me/phone_numbers/idn_1/attempt_verification", "POST /v1/me/phone_numbers/{phone_number_id}/attempt_verification"},
		{"", "GET https://able-cat-1.clerk.accounts.dev/.well-known/jwks.json", "GET /.well-known/jwks.json"},
		{"", "GET https://clerk.example.com/v1/unheard/of", "GET /v1/unheard/of"},
	} {
		server.Reset()
		in(server).as(test.key).do(t, test.op, "")
		if log := server.Requests(); len(log) != 1 || log[0].Endpoint != test.want {
			t.Errorf("%s is %+v, want %s", test.op, log, test.want)
		}
	}
}

// Every spelling of a limited operation draws on its row, and no look-alike does.
func TestSpellingsShareARow(t *testing.T) {
	const attempts = "POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor"
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithBlocking(false))
		c := in(server).as("")
		for _, op := range []string{
			"POST /v1/client/sign_ins/sia_1/attempt_first_factor",
			"POST /v1/client/sign_ins/sia_2/attempt_second_factor",
			"POST /__clerk/v1/sign_ins/attempt_first_factor",
		} {
			if r := c.do(t, op, ""); r.status != 200 || r.body != `{"response":{},"client":null}` {
				t.Errorf("%s: %d %s", op, r.status, r.body)
			}
		}
		if r := c.do(t, "POST /v1/sign_ins/attempt_second_factor", ""); r.status != 429 {
			t.Errorf("the fourth attempt: %d", r.status)
		}
		if got := server.MaxInWindow(attempts); got != 3 {
			t.Errorf("MaxInWindow = %d, want 3", got)
		}
		const lookAlike = "POST /v1/client/sessions/sess_1/verify/attempt_first_factor"
		if got := c.accepted(t, 10, lookAlike); got != 10 {
			t.Errorf("%d of 10 %s accepted, want all", got, lookAlike)
		}
	})
}

func TestRequestWithoutAKeyIsUnauthorized(t *testing.T) {
	server := clerktest.New()
	r := in(server).as("").do(t, "GET /v1/users", "")
	if r.status != 401 || r.code(t) != "authentication_invalid" {
		t.Errorf("%d %s", r.status, r.body)
	}
	st := server.Stats()
	if st.Unauthorized != 1 || st.Accepted != 0 || server.MaxInWindow(clerkthrottle.InstanceLimit) != 0 {
		t.Errorf("counted: %+v", st)
	}
	if r := in(server).as("").do(t, "GET /v1/jwks", ""); r.status != 200 {
		t.Errorf("jwks: %d", r.status)
	}
}

func TestRowsOfOnesOwnHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLimits(
			clerkthrottle.Limit{Name: "reads", Operations: []string{"GET /v1/users/{id}", "GET /v1/novelties/{novelty}"}, N: 2, Window: s, Scope: clerkthrottle.PerResource},
			clerkthrottle.Limit{Name: "hello", Operations: []string{"POST /v1/hello"}, N: 1, Window: s, Scope: clerkthrottle.PerAddress},
		))
		c := in(server)
		if got := c.accepted(t, 1000, "GET /v1/users"); got != 1000 {
			t.Errorf("%d accepted without an instance row", got)
		}
		for range 2 {
			c.do(t, "GET /v1/users/x", "")
		}
		if r := c.do(t, "GET /v1/users/x", ""); r.status != 429 {
			t.Errorf("row under another parameter name: %d", r.status)
		}
		if got := c.accepted(t, 3, "GET /v1/novelties/7"); got != 2 {
			t.Errorf("row of an unknown operation: %d accepted", got)
		}
		if got := c.as("").accepted(t, 3, "POST /v1/hello"); got != 1 {
			t.Errorf("row of an unknown Frontend operation: %d accepted", got)
		}
	})
}

func TestSecretsStaySecret(t *testing.T) {
	server := clerktest.New(clerktest.WithInstanceKeys("sk_test_group"))
	in(server).do(t, "GET /v1/users", "")
	in(server).as("sk_test_group").do(t, "GET /v1/users", "")
	for _, r := range server.Requests() {
		if r.Instance == "" || strings.Contains(r.Instance, "sk_") || strings.Contains(r.Instance, "secret") {
			t.Errorf("instance %q", r.Instance)
		}
	}
}

func TestPanicNamesWhatIsWrong(t *testing.T) {
	for want, f := range map[string]func(){
		"option number 2 is nil":       func() { clerktest.New(clerktest.WithSeed(1), nil) },
		"WithAlgorithm(Algorithm(7))":  func() { clerktest.WithAlgorithm(7) },
		"WithInstanceType(":            func() { clerktest.WithInstanceType(-1) },
		"WithBlockTime(0s)":            func() { clerktest.WithBlockTime(0) },
		"WithRetryAfter(9)":            func() { clerktest.WithRetryAfter(9) },
		"WithLatency(nil)":             func() { clerktest.WithLatency(nil) },
		"WithFault(nil)":               func() { clerktest.WithFault(nil) },
		"WithHandler(nil)":             func() { clerktest.WithHandler(nil) },
		"WithLogSize(-1)":              func() { clerktest.WithLogSize(-1) },
		"WithLimits: row \"instance\"": func() { instanceLimit(0, s) },
		"operation \"users\"": func() {
			clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "x", Operations: []string{"users"}, N: 1, Window: s}))
		},
		"MaxInWindow(\"no such row\")": func() { clerktest.New().MaxInWindow("no such row") },
	} {
		func() {
			defer func() {
				if m, _ := recover().(string); !strings.HasPrefix(m, "clerktest: "+want) {
					t.Errorf("%q, want %q", m, want)
				}
			}()
			f()
		}()
	}
}

func FuzzPaths(f *testing.F) {
	f.Add("GET", "/v1/users/user_1", "")
	f.Add("POST", "//v1/../%2e%2e/%zz", "_method=%")
	f.Add("CONNECT", "", "limit=-1&order_by=-")
	f.Add("get", "*", "offset=99999999999999999999")
	server := clerktest.New(clerktest.WithLimits())
	f.Fuzz(func(t *testing.T, method, path, query string) {
		for _, key := range []string{"", devKey} {
			req := &http.Request{Method: method, URL: &url.URL{Path: path, RawPath: path, RawQuery: query}, Header: http.Header{"Authorization": {"Bearer " + key}}}
			if _, err := in(server).send(req); err != nil {
				t.Errorf("%s %q?%s: %v", method, path, query, err)
			}
		}
	})
}
