// Package standin acts out the users of a Clerk instance, as far as an import
// needs them: for the handler of a [clerktest.Server], which has the limits.
package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// Users are the users of one instance. The server calls it for one request at a
// time; everything else has to wait until nothing is sent any more.
type Users struct {
	All   []*User          // in the order of their creation
	taken map[string]*User // "username:ann" → who has it; "user_id:…", too
}

// A User is one of them.
type User struct {
	clerk.User
	Create               map[string]any // the request that made it
	Verified, Unverified []string       // addresses
}

// New returns a Clerk with users that are stored.
func New(opts ...clerktest.Option) (*clerktest.Server, *Users) {
	u := &Users{taken: map[string]*User{}}
	return clerktest.New(append(opts, clerktest.WithHandler(u))...), u
}

// By returns the user with the external id, or nil.
func (s *Users) By(externalID string) *User { return s.taken[key("external_id", externalID)] }

func key(kind string, value any) string { return strings.ToLower(fmt.Sprintf("%s:%v", kind, value)) }

// ServeHTTP answers one request.
func (s *Users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent := map[string]any{}
	if r.Method == http.MethodPost {
		_ = json.NewDecoder(r.Body).Decode(&sent) // the ban has none
	}
	free := true
	id, ban := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/users/"), "/ban")
	user := s.taken[key("user_id", id)]
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/v1/users":
		answer(w, http.StatusOK, s.list(r.URL.Query()))
		return
	case r.URL.Path == "/v1/users":
		user, free = s.create(sent)
	case r.URL.Path == "/v1/email_addresses", r.URL.Path == "/v1/phone_numbers":
		if user = s.taken[key("user_id", sent["user_id"])]; user != nil {
			verified := sent["verified"] == true
			free = s.take(user, "email_address", sent["email_address"], verified) && s.take(user, "phone_number", sent["phone_number"], verified)
		}
	case user != nil && ban:
		user.Banned = true
	}
	switch {
	case !free:
		problem(w, http.StatusUnprocessableEntity, "form_identifier_exists")
	case user == nil:
		problem(w, http.StatusNotFound, "resource_not_found")
	default:
		answer(w, http.StatusOK, &user.User)
	}
}

// create takes all of a user's identifiers, or none.
func (s *Users) create(sent map[string]any) (u *User, free bool) {
	u = &User{Create: sent}
	u.ID = fmt.Sprintf("user_%027d", len(s.All)+1)
	free = s.take(u, "user_id", u.ID, false)
	for _, kind := range []string{"external_id", "username", "email_address", "phone_number"} {
		values, several := sent[kind].([]any)
		if !several {
			values = []any{sent[kind]}
		}
		free = free && !slices.ContainsFunc(values, func(value any) bool { return !s.take(u, kind, value, true) })
	}
	if !free {
		maps.DeleteFunc(s.taken, func(_ string, owner *User) bool { return owner == u })
		return nil, false
	}
	s.All = append(s.All, u)
	return u, true
}

// take gives a user an identifier, unless somebody has it.
func (s *Users) take(u *User, kind string, value any, verified bool) bool {
	if value == nil {
		return true
	}
	k, text := key(kind, value), fmt.Sprint(value)
	if s.taken[k] != nil {
		return false
	}
	s.taken[k] = u
	switch kind {
	case "external_id":
		u.ExternalID = &text
	case "username":
		u.Username = &text
	case "email_address":
		u.EmailAddresses = append(u.EmailAddresses, &clerk.EmailAddress{EmailAddress: text})
	case "phone_number":
		u.PhoneNumbers = append(u.PhoneNumbers, &clerk.PhoneNumber{PhoneNumber: text})
	}
	switch address := strings.HasPrefix(kind, "email") || strings.HasPrefix(kind, "phone"); {
	case address && verified:
		u.Verified = append(u.Verified, text)
	case address:
		u.Unverified = append(u.Unverified, text)
	}
	return true
}

// list gives the user that has the value that is asked for.
func (s *Users) list(filters map[string][]string) []*clerk.User {
	for kind, values := range filters {
		if u := s.taken[key(kind, values[0])]; u != nil {
			return []*clerk.User{&u.User}
		}
	}
	return []*clerk.User{}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // types that have a JSON, to memory
}

func problem(w http.ResponseWriter, status int, code string) {
	answer(w, status, map[string]any{"errors": []map[string]string{{"code": code, "message": code, "long_message": "The answer is " + code + "."}}})
}
