package clerktest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// A user that is created or changed has an id and the fields that were sent, if Clerk
// answers them in the form in which they are sent: the official SDK needs no more.
// None is stored.
func TestUserIsWhatWasSent(t *testing.T) {
	c := in(clerktest.New())
	var made struct{ ID, Object, Username string }
	r := c.do(t, "POST /v1/users", `{"username":"ada","id":"mine","created_at":"2024-01-02T03:04:05Z","password":"secret"}`)
	if err := json.Unmarshal([]byte(r.body), &made); err != nil || r.status != 200 || made.ID == "mine" || len(made.ID) != 32 || made.Object != "user" || made.Username != "ada" || strings.Contains(r.body, "secret") || strings.Contains(r.body, "2024") {
		t.Errorf("%d %s", r.status, r.body)
	}
	path := "/v1/users/" + made.ID
	for op, want := range map[string]string{
		"GET " + path:                `{"id":"` + made.ID + `","object":"user"}`,
		"PATCH " + path:              `{"first_name":"Ada","id":"` + made.ID + `","object":"user"}`,
		"POST " + path + "/ban":      `{"id":"` + made.ID + `","object":"user"}`,
		"DELETE " + path:             `{"deleted":true,"id":"` + made.ID + `","object":"resource"}`,
		"GET /v1/users?username=ada": `[]`,
		"GET /v1/users/count":        `{"data":[],"total_count":0}`,
	} {
		body := ""
		if op == "PATCH "+path {
			body = `{"first_name":"Ada"}`
		}
		if r := c.do(t, op, body); r.status != 200 || r.body != want {
			t.Errorf("%s: %d %s, want %s", op, r.status, r.body, want)
		}
	}
	if r := c.do(t, "POST /v1/users", "nonsense"); r.status != 400 || r.code(t) != "request_body_invalid" {
		t.Errorf("nonsense: %d %s", r.status, r.body)
	}
}

func TestOtherOperationsAnswerWithSmallObjects(t *testing.T) {
	c := in(clerktest.New(clerktest.WithInstanceType(clerkthrottle.Production)))
	for op, want := range map[string]string{
		"GET /v1/organizations":          `{"data":[],"total_count":0}`,
		"POST /v1/organizations":         `{}`,
		"GET /v1/organizations/org_1":    `{}`,
		"DELETE /v1/organizations/org_1": `{"deleted":true,"id":"org_1","object":"resource"}`,
		"GET /v1/jwks":                   `{"keys":[]}`,
		"POST /v1/not/known":             `{}`,
	} {
		if r := c.do(t, op, ""); r.status != 200 || r.body != want {
			t.Errorf("%s: %d %s, want %s", op, r.status, r.body, want)
		}
	}
}
