package sender

import (
	"context"
	"fmt"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// create makes one user, and finds out what happened where that is in doubt. It
// returns the user, or the reason why there is none.
//
// doubt says that an earlier request for this user left and nobody saw its
// answer. Then, and only then, a user like the row that Clerk has already is
// this import's own work. A conflict without doubt is somebody else's user.
func (s *Sender) create(ctx context.Context, u *users.User, doubt bool) (*clerk.User, string, error) {
	for attempt := 1; ; attempt++ {
		if doubt {
			found, err := s.find(ctx, u)
			switch {
			case err != nil:
				return nil, "", err
			case found != nil && same(u, found):
				return found, "", nil
			case found != nil:
				return nil, conflictWith(u, found), nil
			}
		}
		var made *clerk.User
		verdict, c, err := s.send(ctx, u, func(ctx context.Context) (err error) {
			made, err = s.users.Create(ctx, &u.Create)
			return err
		})
		switch verdict {
		case worked:
			return made, "", nil
		case refused:
			return nil, message(err), nil
		case absent, stops:
			return nil, "", fmt.Errorf("line %d: %w", u.Line, c.explain(err))
		case conflicts:
			found, lookup := s.find(ctx, u)
			switch {
			case lookup != nil:
				return nil, "", lookup
			case found != nil && doubt && same(u, found): // it arrived after we had asked
				return found, "", nil
			case found != nil:
				return nil, conflictWith(u, found), nil
			case !doubt || attempt == maxAttempts:
				return nil, "conflict: " + message(err), nil
			} // else made, but not listed yet
		case unclear:
			doubt = true
		}
		if err := s.again(ctx, u, attempt, c, err); err != nil {
			return nil, "", err
		}
	}
}
