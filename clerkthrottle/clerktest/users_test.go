package clerktest_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

type storedUser struct {
	ID                    string
	Object                string
	Username              *string
	FirstName             *string `json:"first_name"`
	PrimaryEmailAddressID string  `json:"primary_email_address_id"`
	EmailAddresses        []struct {
		ID           string
		EmailAddress string `json:"email_address"`
	} `json:"email_addresses"`
	PublicMetadata map[string]any `json:"public_metadata"`
	CreatedAt      int64          `json:"created_at"`
	UpdatedAt      int64          `json:"updated_at"`
}

func decode[T any](t *testing.T, r reply) (v T) {
	t.Helper()
	if r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	return v
}

// bothFaces runs a test in memory and over a socket.
func bothFaces(t *testing.T, f func(t *testing.T, c caller), opts ...clerktest.Option) {
	t.Run("memory", func(t *testing.T) { f(t, in(clerktest.New(opts...))) })
	t.Run("socket", func(t *testing.T) {
		c, _ := overSocket(t, opts...)
		f(t, c)
	})
}

func TestUsers(t *testing.T) {
	bothFaces(t, func(t *testing.T, c caller) {
		u := decode[storedUser](t, c.do(t, "POST /v1/users",
			`{"email_address":["ada@example.com","a@example.com"],"username":"ada","first_name":"Ada","password":"x","public_metadata":{"a":1}}`))
		if !strings.HasPrefix(u.ID, "user_2") || len(u.ID) != 32 || u.Object != "user" || len(u.EmailAddresses) != 2 ||
			u.PrimaryEmailAddressID != u.EmailAddresses[0].ID || u.CreatedAt < 1e12 {
			t.Errorf("created %+v", u)
		}
		path := "/v1/users/" + u.ID
		if got := decode[storedUser](t, c.do(t, "GET "+path, "")); !reflect.DeepEqual(got, u) {
			t.Errorf("got %+v, created %+v", got, u)
		}
		if got := decode[storedUser](t, c.do(t, "PATCH "+path, `{"first_name":"Augusta","username":""}`)); *got.FirstName != "Augusta" || got.Username != nil || len(got.EmailAddresses) != 2 {
			t.Errorf("updated %+v", got)
		}
		if got := decode[map[string]any](t, c.do(t, "POST "+path+"/ban", "")); got["banned"] != true {
			t.Errorf("banned %v", got)
		}
		if r := c.do(t, "DELETE "+path, ""); r.body != fmt.Sprintf(`{"id":%q,"object":"user","deleted":true}`, u.ID) {
			t.Errorf("deleted: %s", r.body)
		}
		if r := c.do(t, "GET "+path, ""); r.status != 404 || r.code(t) != "resource_not_found" {
			t.Errorf("after deletion: %d %s", r.status, r.body)
		}
		if r := c.do(t, "POST /v1/users", newUser); r.status != 200 {
			t.Errorf("the address of a deleted user: %d %s", r.status, r.body)
		}
	})
}

func TestUserIdentifiersAreUnique(t *testing.T) {
	c := in(clerktest.New())
	c.do(t, "POST /v1/users", `{"email_address":["ada@example.com"],"username":"ada","external_id":"1","phone_number":["+1555"]}`)
	bob := decode[storedUser](t, c.do(t, "POST /v1/users", `{"username":"bob"}`))
	for _, body := range []string{
		`{"email_address":["ADA@example.com"]}`, `{"username":"Ada"}`, `{"external_id":"1"}`, `{"phone_number":["+1555"]}`,
	} {
		if r := c.do(t, "POST /v1/users", body); r.status != 422 || r.code(t) != "form_identifier_exists" {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r := c.do(t, "PATCH /v1/users/"+bob.ID, `{"username":"ada","first_name":"X"}`); r.status != 422 {
		t.Errorf("rename: %d %s", r.status, r.body)
	}
	if got := decode[storedUser](t, c.do(t, "GET /v1/users/"+bob.ID, "")); got.FirstName != nil || *got.Username != "bob" {
		t.Errorf("a refused update changed %+v", got)
	}
	if r := c.do(t, "PATCH /v1/users/"+bob.ID, `{"username":"bob"}`); r.status != 200 {
		t.Errorf("one's own name again: %d %s", r.status, r.body)
	}
	if r := c.as("sk_test_other").do(t, "POST /v1/users", `{"username":"ada"}`); r.status != 200 {
		t.Errorf("the same name in another instance: %d %s", r.status, r.body)
	}
}

func TestUserBodiesAreChecked(t *testing.T) {
	c := in(clerktest.New())
	u := decode[storedUser](t, c.do(t, "POST /v1/users", `{}`))
	for _, test := range []struct {
		op, body, code string
		status         int
	}{
		{"POST /v1/users", `nonsense`, "request_body_invalid", 400},
		{"POST /v1/users", ``, "request_body_invalid", 400},
		{"POST /v1/users", `{"email_address":["nowhere"]}`, "form_param_format_invalid", 422},
		{"PATCH /v1/users/" + u.ID, `{"public_metadata":[]}`, "form_param_format_invalid", 422},
		{"PATCH /v1/users/" + u.ID + "/metadata", `{"public_metadata":7}`, "form_param_format_invalid", 422},
		{"GET /v1/users?limit=501", ``, "form_param_format_invalid", 422},
		{"GET /v1/users?offset=-1", ``, "form_param_format_invalid", 422},
		{"GET /v1/users?order_by=shoe_size", ``, "form_param_format_invalid", 422},
	} {
		if r := c.do(t, test.op, test.body); r.status != test.status || r.code(t) != test.code {
			t.Errorf("%s %s: %d %s", test.op, test.body, r.status, r.body)
		}
	}
}

func TestUserMetadata(t *testing.T) {
	c := in(clerktest.New())
	u := decode[storedUser](t, c.do(t, "POST /v1/users", `{"public_metadata":{"a":{"b":1,"c":2},"d":[1]}}`))
	meta := "/v1/users/" + u.ID + "/metadata"
	for _, test := range []struct{ op, body, want string }{
		{"PATCH " + meta, `{"public_metadata":{"a":{"b":null,"e":{"f":3}},"d":[2]}}`, `{"a":{"c":2,"e":{"f":3}},"d":[2]}`},
		{"PATCH " + meta, `{"private_metadata":{"x":1}}`, `{"a":{"c":2,"e":{"f":3}},"d":[2]}`},
		{"PATCH " + meta, `{"public_metadata":{"d":{"g":4}}}`, `{"a":{"c":2,"e":{"f":3}},"d":{"g":4}}`},
		{"PUT " + meta, `{"public_metadata":{"z":0}}`, `{"z":0}`},
		{"PATCH /v1/users/" + u.ID, `{"public_metadata":{"y":1}}`, `{"y":1}`},
	} {
		got := decode[storedUser](t, c.do(t, test.op, test.body))
		if b, _ := json.Marshal(got.PublicMetadata); string(b) != test.want {
			t.Errorf("%s %s: %s, want %s", test.op, test.body, b, test.want)
		}
	}
}

func TestUserList(t *testing.T) {
	c := in(clerktest.New(clerktest.WithLimits()))
	for i := range 25 {
		c.do(t, "POST /v1/users", fmt.Sprintf(`{"username":"u%02d","external_id":"x%d","email_address":["u%02d@example.com"],"last_name":"Smith %d","created_at":"2024-01-01T00:00:%02dZ"}`, i, i, i, i%2, i))
	}
	for query, want := range map[string]string{
		"":                                   "u24 u23 u22 u21 u20 u19 u18 u17 u16 u15",
		"limit=3&offset=23":                  "u01 u00",
		"limit=3&offset=100":                 "",
		"limit=3&order_by=username":          "u00 u01 u02",
		"limit=3&order_by=-username":         "u24 u23 u22",
		"limit=2&order_by=%2Bcreated_at":     "u00 u01",
		"limit=3&order_by=-last_name":        "u23 u21 u19",
		"email_address=U03@example.com":      "u03",
		"external_id=x3&external_id=x5":      "u05 u03",
		"username=u07":                       "u07",
		"query=u1&limit=3":                   "u19 u18 u17",
		"query=smith&limit=1":                "u24",
		"email_address_query=02@":            "u02",
		"username_query=u02":                 "u02",
		"name_query=smith+1&limit=1":         "u23",
		"banned=true":                        "",
		"created_at_before=1704067202000":    "u01 u00",
		"created_at_after=1704067223000":     "u24",
		"user_id=user_nobody&username=u07":   "",
		"external_id=x3&paginated=something": "u03",
	} {
		var names []string
		for _, u := range decode[[]storedUser](t, c.do(t, "GET /v1/users?"+query, "")) {
			names = append(names, *u.Username)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("?%s: %s, want %s", query, got, want)
		}
	}
	if r := c.do(t, "GET /v1/users?username=nobody", ""); r.body != "[]" {
		t.Errorf("nobody: %s", r.body)
	}
	if r := c.do(t, "GET /v1/users/count?query=smith+0&limit=2", ""); r.body != `{"object":"total_count","total_count":13}` {
		t.Errorf("count: %s", r.body)
	}
	type page struct {
		Data       []storedUser
		TotalCount int `json:"total_count"`
	}
	if p := decode[page](t, c.do(t, "GET /v1/users?paginated=true", "")); len(p.Data) != 10 || p.TotalCount != 25 {
		t.Errorf("paginated: %d of %d", len(p.Data), p.TotalCount)
	}
}

func TestGenericAnswers(t *testing.T) {
	c := in(clerktest.New(clerktest.WithInstanceType(clerkthrottle.Production)))
	for op, want := range map[string]string{
		"GET /v1/organizations":          `{"data":[],"total_count":0}`,
		"POST /v1/organizations":         `{}`,
		"GET /v1/organizations/org_1":    `{}`,
		"DELETE /v1/organizations/org_1": `{"id":"org_1","object":"resource","deleted":true}`,
		"GET /v1/jwks":                   `{"keys":[]}`,
		"POST /v1/not/known":             `{}`,
	} {
		if r := c.do(t, op, ""); r.status != 200 || r.body != want {
			t.Errorf("%s: %d %s, want %s", op, r.status, r.body, want)
		}
	}
}
