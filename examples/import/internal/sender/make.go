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

// bring takes a user from where the journal says that it is to where nothing is
// left to be done. That is all there is to going on after a crash, and after an
// answer that was lost: an [unclearError] means that it should be called again.
func (s *Sender) bring(ctx context.Context, u *users.User, attempt int) (journal.Word, error) {
	w, err := s.journal.Word(u.Key)
	if err != nil {
		return w, err
	}
	var found *clerk.User
	if w.Op == journal.Made {
		found, err = s.get(ctx, w.User)
		if err == nil && found == nil {
			return journal.Word{Op: journal.Rejected, User: w.User, Reason: "made as " + w.User + " by an earlier run, and not at Clerk any more"}, nil
		}
	} else {
		var reason string
		found, reason, err = s.create(ctx, u, w.Op == journal.Sent, attempt)
		if err == nil && reason != "" {
			return journal.Word{Op: journal.Rejected, Reason: reason}, nil
		}
		if err == nil && u.Requests() > 1 {
			err = s.journal.Settle(u.Key, journal.Word{Op: journal.Made, User: found.ID})
		}
	}
	if err == nil && u.Ban && !found.Banned {
		err = s.ban(ctx, u, found.ID)
	}
	if err != nil {
		return w, err
	}
	lacks, err := s.add(ctx, u, found, attempt)
	return journal.Word{Op: journal.Done, User: found.ID, Reason: lacks}, err
}

// create makes one user. It returns the user, or the reason why there is none.
//
// doubt says that an earlier request for this user left and nobody saw its
// answer. Then, and only then, a user like the row that Clerk has already is
// this import's own work. A conflict without doubt is somebody else's user.
func (s *Sender) create(ctx context.Context, u *users.User, doubt bool, attempt int) (made *clerk.User, reason string, err error) {
	if doubt {
		if made, reason, err := s.claim(ctx, u, doubt); made != nil || reason != "" || err != nil {
			return made, reason, err
		}
	}
	verdict, err := s.send(ctx, u, func(ctx context.Context) (err error) {
		made, err = s.users.Create(ctx, &u.Create)
		return err
	})
	switch verdict {
	case worked:
		return made, "", nil
	case refused:
		return nil, err.Error(), nil
	case conflicts:
		made, reason, lookup := s.claim(ctx, u, doubt)
		switch {
		case made != nil, reason != "", lookup != nil:
			return made, reason, lookup
		case doubt && attempt < maxAttempts: // carried out, but not to be seen yet
			return nil, "", &unclearError{err}
		}
		return nil, "conflict: " + err.Error(), nil
	}
	return nil, "", err
}

// claim looks for the user of a row at Clerk. It returns the one that this import
// made, or why the one that is there is not; nothing if there is none.
func (s *Sender) claim(ctx context.Context, u *users.User, doubt bool) (made *clerk.User, reason string, err error) {
	found, err := s.find(ctx, u)
	switch {
	case found == nil:
		return nil, "", err
	case doubt && same(u, found):
		return found, "", nil
	case same(u, found):
		return nil, fmt.Sprintf("conflict: the user exists already, as %s, and this import did not make it", found.ID), nil
	}
	return nil, fmt.Sprintf("conflict: an identifier of the row belongs to another user, %s (external_id %s)", found.ID, users.Value(found.ExternalID)), nil
}

// ban bans a user whom this import has made, and who can sign in until then: ahead
// of everybody who stands in line, and Ctrl-C gives it time.
func (s *Sender) ban(ctx context.Context, u *users.User, id string) error {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(answerTimeout, cancel) })()
	first := clerkthrottle.WithPriority(lasting, clerkthrottle.Interactive)
	err := insist(first, func(int) error {
		_, err := s.send(first, nil, func(ctx context.Context) error {
			_, err := s.users.Ban(ctx, id)
			return err
		})
		return err
	})
	if err != nil {
		s.report.Add(u.Line, u.Key, "made as "+id+", and not banned yet: the user can sign in until the import has been run again")
		return fmt.Errorf("banning %s: %w", id, err)
	}
	return nil
}

// add adds the addresses that are not verified, as far as the user lacks them. It
// returns what Clerk refused to add.
func (s *Sender) add(ctx context.Context, u *users.User, found *clerk.User, attempt int) (lacks string, err error) {
	for _, id := range u.Unverified {
		if slices.Contains(identifiers(found), id) {
			continue
		}
		verdict, err := s.send(ctx, nil, func(ctx context.Context) (err error) {
			if kind, value, _ := strings.Cut(id, ":"); kind == "phone_number" {
				_, err = s.phones.Create(ctx, &phonenumber.CreateParams{UserID: &found.ID, PhoneNumber: &value, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			} else {
				_, err = s.emails.Create(ctx, &emailaddress.CreateParams{UserID: &found.ID, EmailAddress: &value, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			}
			return err
		})
		switch verdict {
		case worked:
			continue
		case refused:
		case conflicts:
			now, lookup := s.get(ctx, found.ID)
			switch {
			case lookup != nil:
				return "", lookup
			case now != nil && slices.Contains(identifiers(now), id):
				continue
			case attempt > 1 && attempt < maxAttempts: // carried out, but not to be seen yet
				return "", &unclearError{err}
			}
			err = fmt.Errorf("conflict: %w", err)
		default:
			return "", err
		}
		lacks += fmt.Sprintf(", without %s: %s", id, err)
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
			return nil, fmt.Errorf("looking the user up: %w", err)
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
func (s *Sender) get(ctx context.Context, id string) (found *clerk.User, err error) {
	verdict, err := s.send(ctx, nil, func(ctx context.Context) (err error) {
		found, err = s.users.Get(ctx, id)
		return err
	})
	switch {
	case verdict == absent:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking %s up: %w", id, err)
	}
	return found, nil
}
