package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// maxAttempts is how often a user is tried whose request got no clear answer,
// with pauses of 1, 2, 4 and 8 seconds. After that Clerk is taken to be down,
// and the import stops; the next run goes on.
const maxAttempts = 5

// An outcome is what became of a row.
type outcome struct {
	id     string // of the user that was made
	reason string // why it was not, for good
}

// make makes one user, and finds out what happened where that is in doubt. An
// error is no fault of the row: the import has to stop.
//
// doubt says that an earlier request for this user left and nobody saw its
// answer. Then, and only then, a user like the row that Clerk has already is
// this import's own work. A conflict without doubt is somebody else's user.
func (im *importer) make(ctx context.Context, u *row, doubt bool) (outcome, error) {
	for attempt := 1; ; attempt++ {
		if doubt {
			found, err := im.find(ctx, u)
			switch {
			case err != nil:
				return outcome{}, err
			case found != nil && sameUser(u, found):
				return outcome{id: found.ID}, nil
			case found != nil:
				return outcome{reason: conflictWith(u, found)}, nil
			}
		}
		c := &call{row: u, start: time.Now()}
		made, err := im.users.Create(withCall(ctx, c), u.params())
		if err == nil {
			return outcome{id: made.ID}, nil
		}
		switch verdict(c, err) {
		case conflicts:
			found, lookup := im.find(ctx, u)
			switch {
			case lookup != nil:
				return outcome{}, lookup
			case found == nil && doubt && attempt < maxAttempts: // made, but not listed yet
				if err := pause(ctx, time.Second<<(attempt-1)); err != nil {
					return outcome{}, err
				}
				continue
			case found == nil:
				return outcome{reason: "conflict: " + message(err)}, nil
			case doubt && sameUser(u, found): // it arrived after we had asked
				return outcome{id: found.ID}, nil
			}
			return outcome{reason: conflictWith(u, found)}, nil
		case refused:
			return outcome{reason: message(err)}, nil
		case stops:
			return outcome{}, fmt.Errorf("line %d: %w", u.line, explain(c, err))
		}
		doubt = true
		if attempt == maxAttempts {
			return outcome{}, fmt.Errorf("line %d: no clear answer after %d attempts, the last: %w", u.line, attempt, explain(c, err))
		}
		if err := pause(ctx, time.Second<<(attempt-1)); err != nil {
			return outcome{}, err
		}
	}
}

type judgement int

const (
	unclear   judgement = iota // it may have been carried out
	conflicts                  // an identifier is taken
	refused                    // the row is at fault
	stops                      // every other row would fare the same
)

// verdict tells by the answer what an error means. The SDK's error does not
// always know the status, so it comes from below.
func verdict(c *call, err error) judgement {
	switch {
	case c.sent.IsZero(), errors.Is(err, errJournal):
		return stops // refused by the throttle, interrupted, or not recorded
	case c.status == 0, c.status < 300, c.status >= 500, c.status == http.StatusRequestTimeout:
		return unclear
	}
	switch c.status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusTooManyRequests, http.StatusNotFound:
		return stops
	case http.StatusConflict:
		return conflicts
	}
	api := (*clerk.APIErrorResponse)(nil)
	if !errors.As(err, &api) {
		return unclear
	}
	for _, e := range api.Errors {
		switch {
		case strings.Contains(e.Code, "quota_exceeded"):
			return stops
		case strings.HasSuffix(e.Code, "_exists"), strings.HasPrefix(e.Code, "duplicate"):
			return conflicts
		}
	}
	return refused
}

// explain says what to do about an error that stops everything.
func explain(c *call, err error) error {
	switch c.status {
	case http.StatusUnauthorized:
		return fmt.Errorf("Clerk does not accept CLERK_SECRET_KEY: %s", message(err)) //nolint:revive,staticcheck // a name
	case http.StatusForbidden, http.StatusPaymentRequired, http.StatusNotFound, http.StatusTooManyRequests, http.StatusUnprocessableEntity:
		return fmt.Errorf("Clerk refuses every user like this (status %d): %s", c.status, message(err)) //nolint:revive,staticcheck // a name
	}
	return err
}

// message takes the words out of an error of the SDK, which is a whole JSON
// document.
func message(err error) string {
	api := (*clerk.APIErrorResponse)(nil)
	if !errors.As(err, &api) || len(api.Errors) == 0 {
		return err.Error()
	}
	var parts []string
	for _, e := range api.Errors {
		parts = append(parts, fmt.Sprintf("%s (%s)", strings.TrimSuffix(e.LongMessage, "."), e.Code))
	}
	return strings.Join(parts, "; ")
}

// find looks for the user that has an identifier of the row, the best identifier
// first.
func (im *importer) find(ctx context.Context, u *row) (*clerk.User, error) {
	var asks []*user.ListParams
	if u.externalID != "" {
		asks = append(asks, &user.ListParams{ExternalIDs: []string{u.externalID}})
	}
	if len(u.emails) > 0 {
		asks = append(asks, &user.ListParams{EmailAddresses: u.emails})
	}
	if len(u.phones) > 0 {
		asks = append(asks, &user.ListParams{PhoneNumbers: u.phones})
	}
	if u.username != "" {
		asks = append(asks, &user.ListParams{Usernames: []string{u.username}})
	}
	if len(u.wallets) > 0 {
		asks = append(asks, &user.ListParams{Web3Wallets: u.wallets})
	}
	for _, ask := range asks {
		users, err := im.list(ctx, ask)
		if err != nil {
			return nil, fmt.Errorf("line %d: looking the user up: %w", u.line, err)
		}
		if len(users) > 0 {
			return users[0], nil
		}
	}
	return nil, nil
}

// userList is what GET /v1/users answers. [user.Client.List] would ask for the
// total as well, with a second request of the budget.
type userList []*clerk.User

// Read implements [clerk.ResponseReader].
func (*userList) Read(*clerk.APIResponse) {}

func (im *importer) list(ctx context.Context, params *user.ListParams) (userList, error) {
	req := clerk.NewAPIRequest(http.MethodGet, "/users")
	req.SetParams(params)
	var found userList
	err := im.users.Backend.Call(ctx, req, &found)
	return found, err
}

// pause waits unless the context ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
