// Package standin acts out the users of a Clerk instance, as far as an import
// needs them: for the handler of a [clerktest.Server], which has the limits.
package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// Users are the users of one instance. The server calls it for one request at a
// time; everything else has to wait until nothing is sent any more.
type Users struct {
	All   []*User // in the order of their creation
	byID  map[string]*User
	taken map[string]*User // "username:ann" → who has it
}

// A User is one of them. Its JSON is Clerk's.
type User struct {
	ID             string    `json:"id"`
	ExternalID     any       `json:"external_id"`
	Username       any       `json:"username"`
	EmailAddresses []address `json:"email_addresses"`
	PhoneNumbers   []address `json:"phone_numbers"`
	Banned         bool      `json:"banned"`
	// Create is the request that made it.
	Create map[string]any `json:"-"`
}

type address struct {
	EmailAddress string `json:"email_address,omitempty"`
	PhoneNumber  string `json:"phone_number,omitempty"`
	Verification struct {
		Status string `json:"status"`
	} `json:"verification"`
}

// New returns a Clerk with users that are stored.
func New(opts ...clerktest.Option) (*clerktest.Server, *Users) {
	u := &Users{byID: map[string]*User{}, taken: map[string]*User{}}
	return clerktest.New(append(opts, clerktest.WithHandler(u))...), u
}

// By returns the user with the external id, or nil.
func (s *Users) By(externalID string) *User { return s.taken[key("external_id", externalID)] }

// Addresses lists the addresses of the user that are verified, or those that are
// not.
func (u *User) Addresses(verified bool) (list []string) {
	for _, a := range slices.Concat(u.EmailAddresses, u.PhoneNumbers) {
		if (a.Verification.Status == "verified") == verified {
			list = append(list, a.EmailAddress+a.PhoneNumber)
		}
	}
	return list
}

func key(kind string, value any) string { return strings.ToLower(fmt.Sprintf("%s:%v", kind, value)) }

// kinds are the kinds of address, by the operations that add one.
var kinds = map[string]string{"/v1/email_addresses": "email_address", "/v1/phone_numbers": "phone_number"}

// ServeHTTP answers one request.
func (s *Users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var sent map[string]any
	if len(body) > 0 && json.Unmarshal(body, &sent) != nil {
		refuse(w, http.StatusBadRequest, "request_body_invalid")
		return
	}
	id, action, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/users/"), "/")
	kind := kinds[r.URL.Path]
	if kind != "" {
		id = fmt.Sprint(sent["user_id"])
	}
	user := s.byID[id]
	switch {
	case r.URL.Path == "/v1/users" && r.Method == http.MethodPost:
		user = s.create(sent)
	case r.URL.Path == "/v1/users":
		answer(w, s.list(r.URL.Query()))
		return
	case user == nil:
		refuse(w, http.StatusNotFound, "resource_not_found")
		return
	case kind != "" && !s.take(user, kind, sent[kind], sent["verified"] == true):
		user = nil
	case action == "ban":
		user.Banned = true
	}
	if user == nil {
		refuse(w, http.StatusUnprocessableEntity, "form_identifier_exists")
		return
	}
	answer(w, user)
}

// create returns nil where an identifier is taken.
func (s *Users) create(sent map[string]any) *User {
	u := &User{ID: fmt.Sprintf("user_%027d", len(s.All)+1), Create: sent, ExternalID: sent["external_id"], Username: sent["username"]}
	all := true
	for _, kind := range []string{"external_id", "username"} {
		all = all && (sent[kind] == nil || s.take(u, kind, sent[kind], true))
	}
	for _, kind := range kinds {
		list, _ := sent[kind].([]any)
		for _, value := range list {
			all = all && s.take(u, kind, value, true)
		}
	}
	if !all {
		maps.DeleteFunc(s.taken, func(_ string, owner *User) bool { return owner == u })
		return nil
	}
	s.All = append(s.All, u)
	s.byID[u.ID] = u
	return u
}

// take gives a user an identifier, unless somebody has it.
func (s *Users) take(u *User, kind string, value any, verified bool) bool {
	k := key(kind, value)
	if s.taken[k] != nil {
		return false
	}
	s.taken[k] = u
	a := address{}
	a.Verification.Status = map[bool]string{true: "verified", false: "unverified"}[verified]
	switch kind {
	case "email_address":
		a.EmailAddress = fmt.Sprint(value)
		u.EmailAddresses = append(u.EmailAddresses, a)
	case "phone_number":
		a.PhoneNumber = fmt.Sprint(value)
		u.PhoneNumbers = append(u.PhoneNumbers, a)
	}
	return true
}

// list gives the users that have one of the values that are asked for.
func (s *Users) list(filters map[string][]string) []*User {
	found := []*User{}
	for kind, values := range filters {
		for _, value := range values {
			if u := s.taken[key(kind, value)]; u != nil && !slices.Contains(found, u) {
				found = append(found, u)
			}
		}
	}
	return found
}

func answer(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // our own types, to memory
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	answer(w, map[string]any{"errors": []map[string]string{{"code": code, "message": code, "long_message": "The answer is " + code + "."}}})
}
