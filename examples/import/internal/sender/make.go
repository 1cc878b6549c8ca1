package sender

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// bring takes a user from where earlier runs left it to where nothing is left to
// be done.
func (s *Sender) bring(ctx context.Context, u *users.User) (journal.Word, error) {
	w, err := s.journal.Word(u.Key)
	if err != nil {
		return w, err
	}
	var found *clerk.User
	if w.Op == journal.Made {
		found, err = s.get(ctx, u, w.User)
		if err == nil && found == nil {
			return journal.Word{Op: journal.Rejected, User: w.User, Reason: "made as " + w.User + " by an earlier run, and not at Clerk any more"}, nil
		}
	} else {
		var reason string
		found, reason, err = s.create(ctx, u, w.Op == journal.Sent)
		if err == nil && reason != "" {
			return journal.Word{Op: journal.Rejected, Reason: reason}, nil
		}
		if err == nil && u.Requests() > 1 {
			err = s.journal.Settle(u.Key, journal.Word{Op: journal.Made, User: found.ID})
		}
	}
	if err != nil {
		return w, err
	}
	lacks, err := s.complete(ctx, u, found)
	return journal.Word{Op: journal.Done, User: found.ID, Reason: lacks}, err
}

// create makes one user, and finds out what happened where that is in doubt. It
// returns the user, or the reason why there is none.
//
// doubt says that an earlier request for this user left and nobody saw its
// answer. Then, and only then, a user like the row that Clerk has already is
// this import's own work. A conflict without doubt is somebody else's user.
func (s *Sender) create(ctx context.Context, u *users.User, doubt bool) (made *clerk.User, reason string, err error) {
	reason, err = s.persist(ctx, u, step{makes: u, send: func(ctx context.Context) (err error) {
		made, err = s.users.Create(ctx, &u.Create)
		return err
	}, look: func(ctx context.Context, doubt bool) (settled bool, reason string, err error) {
		found, err := s.find(ctx, u)
		switch {
		case found == nil:
			return false, "", err
		case doubt && same(u, found):
			made = found
			return true, "", nil
		case same(u, found):
			return true, fmt.Sprintf("conflict: the user exists already, as %s, and this import did not make it", found.ID), nil
		}
		return true, fmt.Sprintf("conflict: an identifier of the row belongs to another user, %s (external_id %s)", found.ID, users.Value(found.ExternalID)), nil
	}}, doubt)
	return made, reason, err
}

// complete does what create cannot, as far as the user lacks it: ban, and add
// addresses that are not verified. It returns what Clerk refused to add.
func (s *Sender) complete(ctx context.Context, u *users.User, found *clerk.User) (lacks string, err error) {
	// change sends one request, unless the user has what it brings already.
	change := func(ctx context.Context, has func(*clerk.User) bool, send func(context.Context) error) (refusal string, err error) {
		if has(found) {
			return "", nil
		}
		return s.persist(ctx, u, step{send: send, look: func(ctx context.Context, _ bool) (settled bool, reason string, err error) {
			now, err := s.get(ctx, u, found.ID)
			if err == nil && now == nil {
				return true, "not at Clerk any more", nil
			}
			return err == nil && has(now), "", err
		}}, false)
	}
	if u.Ban {
		// Until then whom this import has just made can sign in: ahead of everybody
		// who stands in line, and Ctrl-C gives it time.
		lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(ctx, func() { time.AfterFunc(answerTimeout, cancel) })()
		first := clerkthrottle.WithPriority(lasting, clerkthrottle.Interactive)
		refusal, err := change(first, func(now *clerk.User) bool { return now.Banned }, func(ctx context.Context) error {
			_, err := s.users.Ban(ctx, found.ID)
			return err
		})
		if err == nil && refusal != "" {
			err = fmt.Errorf("line %d: Clerk refuses to ban %s: %s", u.Line, found.ID, refusal)
		}
		if err != nil {
			s.report.Add(u.Line, u.Key, "made as "+found.ID+", and not banned yet: the user can sign in until the import has been run again")
			return "", err
		}
	}
	for _, id := range u.Unverified {
		refusal, err := change(ctx, func(now *clerk.User) bool { return slices.Contains(identifiers(now), id) }, func(ctx context.Context) (err error) {
			if kind, value, _ := strings.Cut(id, ":"); kind == "phone_number" {
				_, err = s.phones.Create(ctx, &phonenumber.CreateParams{UserID: &found.ID, PhoneNumber: &value, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			} else {
				_, err = s.emails.Create(ctx, &emailaddress.CreateParams{UserID: &found.ID, EmailAddress: &value, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			}
			return err
		})
		if err != nil {
			return "", err
		}
		if refusal != "" {
			lacks += fmt.Sprintf(", without %s: %s", id, refusal)
		}
	}
	if lacks != "" {
		lacks = "made as " + found.ID + ", but" + strings.TrimPrefix(lacks, ",")
	}
	return lacks, nil
}

// same reports whether a user of Clerk's is what the row would have made, by all
// that identifies it. Addresses that are not verified may have been added.
func same(u *users.User, found *clerk.User) bool {
	has, may := identifiers(found), append(u.Identifiers(), u.Unverified...)
	return !slices.ContainsFunc(u.Identifiers(), func(id string) bool { return !slices.Contains(has, id) }) &&
		!slices.ContainsFunc(has, func(id string) bool { return !slices.Contains(may, id) })
}

func identifiers(u *clerk.User) []string {
	var emails, phones []string
	for _, e := range u.EmailAddresses {
		emails = append(emails, e.EmailAddress)
	}
	for _, p := range u.PhoneNumbers {
		phones = append(phones, p.PhoneNumber)
	}
	return users.Identifiers(u.ExternalID, u.Username, emails, phones)
}

// find looks for the user that has an identifier of the row, the best identifier
// first; nil if there is none.
func (s *Sender) find(ctx context.Context, u *users.User) (*clerk.User, error) {
	for _, id := range u.Identifiers() {
		// [user.Client.List] would ask for the total as well, with a second request
		// of the budget.
		kind, value, _ := strings.Cut(id, ":")
		req := clerk.NewAPIRequest(http.MethodGet, "/users?"+url.Values{kind: {value}}.Encode())
		var list userList
		if _, err := s.send(ctx, nil, func(ctx context.Context) error { return s.users.Backend.Call(ctx, req, &list) }); err != nil {
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
func (s *Sender) get(ctx context.Context, u *users.User, id string) (found *clerk.User, err error) {
	verdict, err := s.send(ctx, nil, func(ctx context.Context) (err error) {
		found, err = s.users.Get(ctx, id)
		return err
	})
	switch {
	case verdict == absent:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("line %d: looking %s up: %w", u.Line, id, err)
	}
	return found, nil
}
