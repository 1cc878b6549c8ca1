package sender

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// A request whose answer was lost may have been carried out or not: the import
// asks, and makes every user once, with all that follows.
func TestLostAnswersMakeNobodyTwice(t *testing.T) {
	for name, fault := range map[string]clerktest.Fault{
		"answer lost":     {Loss: clerktest.AnswerLost},
		"request lost":    {Loss: clerktest.RequestLost},
		"answer cut off":  {Header: http.Header{"Content-Length": {"2"}}, Stall: time.Hour},
		"bad gateway":     {Status: http.StatusBadGateway},
		"internal error":  {Status: http.StatusInternalServerError},
		"not Clerk's 503": {Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, clerk := standin.New(clerktest.WithLatency(clerktest.Constant(20*time.Millisecond)), clerktest.WithFault(func(r *http.Request, n int) clerktest.Fault {
					if n%7 == 0 && r.Method == http.MethodPost {
						return fault
					}
					return clerktest.Fault{}
				}))
				list, m := accounts(30, full), newMemory()
				if err := run(t.Context(), t, server.RoundTripper(), m, list...); err != nil || len(m.rejects) > 0 || m.made != 30 {
					t.Errorf("%v, rejects %v", err, m.rejects)
				}
				wantFull(t, clerk, list)
				if s := server.Stats(); s.Faults < 5 || s.Rejected > 0 {
					t.Errorf("%d faults, %d answered 429", s.Faults, s.Rejected)
				}
			})
		})
	}
}

// What was carried out without an answer, and does not show at Clerk yet, is
// neither done twice nor taken for somebody else's.
func TestWhatDoesNotShowYetIsNotDoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		to, lost, hidden := server.RoundTripper(), map[string]bool{}, map[string]int{}
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			path := r.URL.Path
			switch {
			case r.Method == http.MethodPost && !lost[path]:
				lost[path] = true
				_, _ = to.RoundTrip(r)
				return nil, errors.New("the answer is lost")
			case path == "/v1/users" && r.Method == http.MethodGet && hidden[path] < 4: // two lookups, by two identifiers
				hidden[path]++
				return answer(r, http.StatusOK, "[]"), nil
			case r.Method == http.MethodGet && path != "/v1/users" && hidden[path] < 2:
				hidden[path]++
				return answer(r, http.StatusOK, fmt.Sprintf(`{"id":%q}`, clerk.By("u1").ID)), nil
			}
			return to.RoundTrip(r)
		})
		u, m := account(1, func(u *users.User) { u.Unverified = []string{"email_address:old1@example.com"} }), newMemory()
		if err := run(t.Context(), t, base, m, u); err != nil || len(m.rejects) > 0 {
			t.Errorf("%v, rejects %v", err, m.rejects)
		}
		wantFull(t, clerk, []*users.User{u})
	})
}

// Wherever a program dies, with its last request carried out or not, the next run
// goes on from there: nobody is lost, nobody made twice, nothing is left out.
func TestDeathAtEveryRequestLosesNothing(t *testing.T) {
	const requests = 25 // of 5 users, 5 each
	for _, carriedOut := range []bool{true, false} {
		for at := 1; at <= requests; at++ {
			synctest.Test(t, func(t *testing.T) {
				server, clerk := standin.New(clerktest.WithLatency(clerktest.Constant(20 * time.Millisecond)))
				list, m := accounts(5, full), newMemory()
				to, sent := server.RoundTripper(), atomic.Int32{}
				dying := roundTripper(func(r *http.Request) (*http.Response, error) {
					switch n := int(sent.Add(1)); {
					case n < at:
						return to.RoundTrip(r)
					case n == at && carriedOut:
						defer func() { _ = m.record(func() { m.err = fmt.Errorf("%w: %w", journal.ErrBroken, errDead) }) }()
						_, _ = to.RoundTrip(r)
						return nil, errDead
					default:
						_ = m.record(func() { m.err = fmt.Errorf("%w: %w", journal.ErrBroken, errDead) })
						return nil, errDead
					}
				})
				if err := run(t.Context(), t, dying, m, list...); !errors.Is(err, errDead) {
					t.Fatalf("request %d: %v", at, err)
				}
				m.err = nil
				if err := run(t.Context(), t, to, m, list...); err != nil || len(m.rejects) > 0 {
					t.Errorf("request %d, carried out: %v: %v, rejects %v", at, carriedOut, err, m.rejects)
				}
				wantFull(t, clerk, list)
				if s := server.Stats(); s.Rejected > 0 || s.Sent > requests+20 {
					t.Errorf("%d requests, %d answered 429", s.Sent, s.Rejected)
				}
			})
		}
	}
}

// A banned user who was made can sign in until the ban: it goes ahead of all who
// stand in line, and an interruption does not stop it.
func TestBanFollowsAtOnce(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server, clerk := standin.New(clerktest.WithLatency(clerktest.Constant(20 * time.Millisecond)))
			list, m := accounts(300, func(u *users.User) { u.Ban = u.Line%10 == 0 }), newMemory()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if interrupted {
				time.AfterFunc(10*time.Second+21*time.Millisecond, cancel)
			}
			if err := run(ctx, t, server.RoundTripper(), m, list...); (err != nil) != interrupted {
				t.Fatal(err)
			}
			banned := 0
			for _, u := range clerk.All {
				if at := u.Create["external_id"].(string); strings.HasSuffix(at, "0") != u.Banned {
					t.Errorf("%s: banned: %v", at, u.Banned)
				} else if u.Banned {
					banned++
				}
			}
			if !interrupted && banned != 30 || interrupted && (banned < 10 || len(clerk.All) == 300) {
				t.Errorf("interrupted: %v: %d of %d users are banned", interrupted, banned, len(clerk.All))
			}
		})
	}
}

// A user who is made and cannot be banned is told of, whatever else ends the import;
// the next run bans before anything else.
func TestUserWhoIsNotBannedYetIsToldOf(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusForbidden, http.StatusUnprocessableEntity} {
		synctest.Test(t, func(t *testing.T) {
			server, clerk := standin.New()
			to, m := server.RoundTripper(), newMemory()
			base := roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/ban") {
					return answer(r, status, `{"errors":[{"code":"no","message":"no","long_message":"No."}]}`), nil
				}
				return to.RoundTrip(r)
			})
			if err := run(t.Context(), t, base, m, account(1, full)); err == nil || !strings.Contains(m.rejects["external_id:u1"], "and not banned yet") || len(clerk.By("u1").Unverified) > 0 {
				t.Errorf("%d: %v, rejects %v", status, err, m.rejects)
			}
			if err := run(t.Context(), t, to, m, account(1, full)); err != nil || len(m.rejects) > 0 {
				t.Errorf("the next run: %v, rejects %v", err, m.rejects)
			}
			wantFull(t, clerk, []*users.User{account(1, full)})
		})
	}
}

// What Clerk refuses of a user who was made is told, and told again by the next
// run; the user is not made again.
func TestAddressOfSomebodyElseIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		m := newMemory()
		list := []*users.User{account(1), account(2, func(u *users.User) {
			u.Unverified = []string{"email_address:user1@example.com", "email_address:two@example.com"}
		})}
		if err := run(t.Context(), t, server.RoundTripper(), m, list[:1]...); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := run(t.Context(), t, server.RoundTripper(), m, list...); err != nil {
				t.Fatal(err)
			}
			want := "made as " + clerk.By("u2").ID + ", but without email_address:user1@example.com: conflict: The answer is form_identifier_exists (form_identifier_exists)"
			if got := m.rejects["external_id:u2"]; got != want || len(m.rejects) != 1 {
				t.Errorf("%v, want %s", m.rejects, want)
			}
		}
		if got := fmt.Sprint(clerk.By("u2").Unverified); got != "[two@example.com]" || server.Stats().Sent != 5 {
			t.Errorf("%s, %d requests", got, server.Stats().Sent)
		}
	})
}

// Users that this import did not make are conflicts; they are told apart.
func TestConflictsNameTheOtherUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		taken := func(email string) func(*users.User) {
			return func(u *users.User) { u.Create.EmailAddresses = &[]string{email} }
		}
		if err := run(t.Context(), t, server.RoundTripper(), newMemory(), account(1), account(2, taken("taken@example.com"))); err != nil {
			t.Fatal(err)
		}
		m := newMemory()
		for range 2 { // the second run finds everything in its journal
			before := server.Stats().Sent
			if err := run(t.Context(), t, server.RoundTripper(), m, account(1), account(3, taken("taken@example.com")), account(4)); err != nil {
				t.Fatal(err)
			}
			if len(m.rejects) != 2 || !strings.Contains(m.rejects["external_id:u1"], "the user exists already") ||
				!strings.Contains(m.rejects["external_id:u3"], "belongs to another user, "+clerk.By("u2").ID+" (external_id u2)") {
				t.Errorf("rejects %v", m.rejects)
			}
			if asked := server.Stats().Sent - before; asked > 6 {
				t.Errorf("%d requests", asked)
			}
		}
		if len(clerk.All) != 3 {
			t.Errorf("%d users at Clerk, want 3", len(clerk.All))
		}
	})
}

// Whoever was made, and is gone before all was done, is not made again.
func TestUserWhoIsGoneIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		m := newMemory()
		m.words["external_id:u1"] = journal.Word{Op: journal.Made, User: "user_gone"}
		if err := run(t.Context(), t, server.RoundTripper(), m, account(1, full)); err != nil || len(clerk.All) > 0 ||
			!strings.Contains(m.rejects["external_id:u1"], "made as user_gone by an earlier run") {
			t.Errorf("%v %v", err, m.rejects)
		}
	})
}

// What every row would meet stops the import, and rejects nobody.
func TestClerkRefusingEverythingStops(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		want   string
	}{
		"a wrong key":  {http.StatusUnauthorized, "clerk_key_invalid", "does not accept CLERK_SECRET_KEY"},
		"a full quota": {http.StatusForbidden, "user_quota_exceeded", "user_quota_exceeded"},
		"a wrong URL":  {http.StatusNotFound, "not_found", "status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int64
				base := roundTripper(func(r *http.Request) (*http.Response, error) {
					asked.Add(1)
					return answer(r, c.status, fmt.Sprintf(`{"errors":[{"code":%q,"message":"no","long_message":"No."}]}`, c.code)), nil
				})
				list, m := accounts(500), newMemory()
				if err := run(t.Context(), t, base, m, list...); err == nil || !strings.Contains(err.Error(), c.want) || asked.Load() > 30 || len(m.rejects) > 0 {
					t.Errorf("%v after %d requests, rejects %v", err, asked.Load(), m.rejects)
				}
				server, clerk := standin.New()
				if err := run(t.Context(), t, server.RoundTripper(), m, list...); err != nil {
					t.Errorf("the next run: %v", err)
				}
				wantFull(t, clerk, list)
			})
		})
	}
}

// What Clerk refuses about one row is that row's fault, and is not asked again.
func TestRefusedRowIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		to, refusals := server.RoundTripper(), atomic.Int64{}
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			if c := r.Context().Value(callKey{}).(*call); c.makes != nil && c.makes.Line == 1 {
				refusals.Add(1)
				return answer(r, http.StatusUnprocessableEntity, `{"errors":[{"code":"form_password_pwned","message":"pwned","long_message":"Password has been found in an online data breach."}]}`), nil
			}
			return to.RoundTrip(r)
		})
		m := newMemory()
		for range 2 {
			if err := run(t.Context(), t, base, m, accounts(3)...); err != nil || m.rejects["external_id:u1"] != "Password has been found in an online data breach (form_password_pwned)" {
				t.Errorf("%v %v", err, m.rejects)
			}
		}
		if refusals.Load() != 1 || len(clerk.All) != 2 {
			t.Errorf("%d refusals, %d users", refusals.Load(), len(clerk.All))
		}
	})
}

// When Clerk is down the import stops after a while and rejects nobody.
func TestClerkDownStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		server, clerk := standin.New(clerktest.WithFault(func(*http.Request, int) clerktest.Fault {
			if down.Load() {
				return clerktest.Fault{Loss: clerktest.RequestLost}
			}
			return clerktest.Fault{}
		}))
		list, m := accounts(50, full), newMemory()
		if err := run(t.Context(), t, server.RoundTripper(), m, list...); !errors.Is(err, syscall.ECONNREFUSED) || len(m.rejects) > 0 {
			t.Errorf("%v, rejects %v", err, m.rejects)
		}
		down.Store(false)
		if err := run(t.Context(), t, server.RoundTripper(), m, list...); err != nil {
			t.Errorf("when it is back: %v", err)
		}
		wantFull(t, clerk, list)
	})
}

// A full disk stops the import before it does what it could not record.
func TestFullDiskStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		to, list, m := server.RoundTripper(), accounts(60), newMemory()
		base := roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := to.RoundTrip(r)
			answered := server.Stats().Accepted
			_ = m.record(func() {
				if answered > 30 {
					m.err = fmt.Errorf("%w: %w", journal.ErrBroken, syscall.ENOSPC)
				}
			})
			return resp, err
		})
		if err := run(t.Context(), t, base, m, list...); !errors.Is(err, syscall.ENOSPC) || len(clerk.All) == 0 || len(clerk.All) == 60 {
			t.Errorf("%v, %d users", err, len(clerk.All))
		}
		m.err = nil
		if err := run(t.Context(), t, to, m, list...); err != nil || len(m.rejects) > 0 {
			t.Errorf("after making room: %v, rejects %v", err, m.rejects)
		}
		wantFull(t, clerk, list)
	})
}

// A run that begins soon after another must not add its burst to the last one's,
// and says what it waits for.
func TestNextRunWaitsUntilClerkHasForgottenTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, clerk := standin.New()
		m := newMemory()
		for _, n := range []int{90, 180} {
			if err := run(t.Context(), t, server.RoundTripper(), m, accounts(n)...); err != nil {
				t.Fatal(err)
			}
		}
		if s := server.Stats(); s.Rejected != 0 || len(clerk.All) != 180 || len(m.said) != 1 || !strings.HasPrefix(m.said[0], "requests of the last run still count") {
			t.Errorf("%d users made, %d requests answered 429; said %q", len(clerk.All), s.Rejected, m.said)
		}
	})
}

// It says what it waits for: the limit, a block, a Clerk that does not answer.
func TestWaitingSaysWhy(t *testing.T) {
	for want, fault := range map[string]clerktest.Fault{
		"waiting for the limit":         {},
		"blocked by Clerk":              {Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"600"}}},
		"no clear answer, trying again": {Loss: clerktest.RequestLost},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, _ := standin.New(clerktest.WithFault(func(_ *http.Request, n int) clerktest.Fault {
				if n > 50 {
					return fault
				}
				return clerktest.Fault{}
			}))
			m := newMemory()
			s, err := New(Config{Key: "sk_test_importer", URL: "https://api.clerk.com/v1"}, server.RoundTripper(), m, m.talk())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = s.Run(ctx, each(accounts(150)))
			}()
			time.Sleep(5 * time.Second)
			what, until := s.Waiting()
			if blocked := want == "blocked by Clerk"; what != want || until.IsZero() == blocked {
				t.Errorf("%q until %s, want %q", what, until, want)
			} else if _ = m.record(func() { blocked = blocked != (len(m.said) == 1) }); blocked {
				t.Errorf("said %q", m.said)
			}
			cancel()
			<-done
		})
	}
}
