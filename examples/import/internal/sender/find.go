package sender

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// find looks for the user that has an identifier of the row, the best identifier
// first.
func (s *Sender) find(ctx context.Context, u *users.User) (*clerk.User, error) {
	p, asks := &u.Create, []*user.ListParams{}
	if p.ExternalID != nil {
		asks = append(asks, &user.ListParams{ExternalIDs: []string{*p.ExternalID}})
	}
	if p.EmailAddresses != nil {
		asks = append(asks, &user.ListParams{EmailAddresses: *p.EmailAddresses})
	}
	if p.PhoneNumbers != nil {
		asks = append(asks, &user.ListParams{PhoneNumbers: *p.PhoneNumbers})
	}
	if p.Username != nil {
		asks = append(asks, &user.ListParams{Usernames: []string{*p.Username}})
	}
	for _, ask := range asks {
		// [user.Client.List] would ask for the total as well, with a second request
		// of the budget.
		req := clerk.NewAPIRequest(http.MethodGet, "/users")
		req.SetParams(ask)
		var list userList
		if _, _, err := s.send(ctx, nil, func(ctx context.Context) error { return s.users.Backend.Call(ctx, req, &list) }); err != nil {
			return nil, fmt.Errorf("line %d: looking the user up: %w", u.Line, err)
		}
		if len(list) > 0 {
			return list[0], nil
		}
	}
	return nil, nil
}

// userList is what GET /v1/users answers.
type userList []*clerk.User

// Read implements [clerk.ResponseReader].
func (*userList) Read(*clerk.APIResponse) {}

// get returns nil if there is no such user.
func (s *Sender) get(ctx context.Context, u *users.User, id string) (*clerk.User, error) {
	var found *clerk.User
	verdict, _, err := s.send(ctx, nil, func(ctx context.Context) (err error) {
		found, err = s.users.Get(ctx, id)
		return err
	})
	if verdict == absent {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: looking %s up: %w", u.Line, id, err)
	}
	return found, nil
}

// same reports whether a user of Clerk's is what the row would have made, by all
// that identifies it. Addresses that are not verified may have been added.
func same(u *users.User, found *clerk.User) bool {
	p := &u.Create
	return users.Text(p.ExternalID) == users.Text(found.ExternalID) &&
		strings.EqualFold(users.Text(p.Username), users.Text(found.Username)) &&
		between(users.List(p.EmailAddresses), emailsOf(found), u.Emails) &&
		between(users.List(p.PhoneNumbers), phonesOf(found), u.Phones)
}

// between reports whether found has all of the least, and nothing else but more.
func between(least, found, more []string) bool {
	for _, v := range least {
		if !contains(found, v) {
			return false
		}
	}
	for _, v := range found {
		if !contains(least, v) && !contains(more, v) {
			return false
		}
	}
	return true
}

func contains(list []string, value string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return strings.EqualFold(v, value) })
}

func emailsOf(u *clerk.User) (list []string) {
	for _, e := range u.EmailAddresses {
		list = append(list, e.EmailAddress)
	}
	return list
}

func phonesOf(u *clerk.User) (list []string) {
	for _, p := range u.PhoneNumbers {
		list = append(list, p.PhoneNumber)
	}
	return list
}

// conflictWith says whom a row conflicts with.
func conflictWith(u *users.User, found *clerk.User) string {
	who := found.ID
	if id := users.Text(found.ExternalID); id != "" {
		who += fmt.Sprintf(" (external_id %s)", id)
	}
	if same(u, found) {
		return fmt.Sprintf("conflict: the user exists already, as %s, and this import did not make it", who)
	}
	return fmt.Sprintf("conflict: an identifier of the row belongs to another user, %s", who)
}
