package sender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// complete does what create cannot, as far as the user lacks it: ban, and add
// addresses that are not verified. It returns what Clerk refused to add.
func (s *Sender) complete(ctx context.Context, u *users.User, found *clerk.User) (lacks string, err error) {
	if u.Ban && !found.Banned {
		// Until then whom this import has just made can sign in: ahead of everybody
		// who stands in line, and not put off by Ctrl-C.
		ctx, cancel := linger(ctx, answerTimeout)
		defer cancel()
		ctx = clerkthrottle.WithPriority(ctx, clerkthrottle.Interactive)
		refusal, err := s.step(ctx, u, found.ID, func(now *clerk.User) bool { return now.Banned }, func(ctx context.Context) error {
			_, err := s.users.Ban(ctx, found.ID)
			return err
		})
		if err == nil && refusal != "" {
			err = fmt.Errorf("line %d: Clerk refuses to ban %s: %s", u.Line, found.ID, refusal)
		}
		if err != nil {
			open := fmt.Sprintf("made as %s, and not banned yet: the user can sign in until the import has been run again", found.ID)
			return "", errors.Join(err, s.report.Reject(u.Line, u.Key, open))
		}
	}
	var refusals []string
	add := func(address string, listed func(*clerk.User) []string, request func(context.Context) error) {
		has := func(now *clerk.User) bool { return contains(listed(now), address) }
		if err != nil || has(found) {
			return
		}
		var refusal string
		if refusal, err = s.step(ctx, u, found.ID, has, request); refusal != "" {
			refusals = append(refusals, fmt.Sprintf("%s: %s", address, refusal))
		}
	}
	for _, e := range u.Emails {
		add(e, emailsOf, func(ctx context.Context) error {
			_, err := s.emails.Create(ctx, &emailaddress.CreateParams{UserID: &found.ID, EmailAddress: &e, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			return err
		})
	}
	for _, p := range u.Phones {
		add(p, phonesOf, func(ctx context.Context) error {
			_, err := s.phones.Create(ctx, &phonenumber.CreateParams{UserID: &found.ID, PhoneNumber: &p, Verified: clerk.Bool(false), Primary: clerk.Bool(false)})
			return err
		})
	}
	if err == nil && len(refusals) > 0 {
		lacks = fmt.Sprintf("made as %s, but without %s", found.ID, strings.Join(refusals, "; without "))
	}
	return lacks, err
}

// linger returns a context that ends some time after ctx does.
func linger(ctx context.Context, more time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = pause(longer, more)
		cancel()
	})
	return longer, func() { stop(); cancel() }
}

// step sends one request that changes a user, until it is clear that it was
// carried out, which has tells by the user, or refused.
func (s *Sender) step(ctx context.Context, u *users.User, id string, has func(*clerk.User) bool, request func(context.Context) error) (refusal string, err error) {
	for attempt := 1; ; attempt++ {
		verdict, c, err := s.send(ctx, nil, request)
		switch verdict {
		case worked:
			return "", nil
		case absent, stops:
			return "", fmt.Errorf("line %d: %s: %w", u.Line, id, c.explain(err))
		case unclear:
			if err := s.again(ctx, u, attempt, c, err); err != nil {
				return "", err
			}
		}
		now, lookup := s.get(ctx, u, id)
		switch {
		case lookup != nil:
			return "", lookup
		case now == nil:
			return "not at Clerk any more", nil
		case has(now): // an earlier attempt did it
			return "", nil
		case verdict != unclear:
			return message(err), nil
		}
	}
}
