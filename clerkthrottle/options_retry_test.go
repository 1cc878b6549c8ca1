package clerkthrottle_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

type baseFunc func(*http.Request) (*http.Response, error)

func (f baseFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestWithAnswerTimeoutEndsAnAttempt(t *testing.T) {
	for _, tt := range []struct {
		opts []clerkthrottle.Option
		want time.Duration
	}{
		{nil, 2 * time.Minute},
		{[]clerkthrottle.Option{clerkthrottle.WithAnswerTimeout(time.Second)}, time.Second},
		{[]clerkthrottle.Option{clerkthrottle.WithAnswerTimeout(0)}, time.Hour}, // the caller's own
	} {
		synctest.Test(t, func(t *testing.T) {
			hung := baseFunc(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, usersURL, nil)
			start := time.Now()
			_, err := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(hung))...).RoundTrip(req)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != tt.want {
				t.Errorf("got %v after %s, want a timeout after %s", err, time.Since(start), tt.want)
			}
		})
	}
}

func TestWithRetryBudgetBoundsRetries(t *testing.T) {
	for _, tt := range []struct {
		opts []clerkthrottle.Option
		want int // requests for ten calls
	}{
		{nil, 10 + 10 + 2},
		{[]clerkthrottle.Option{clerkthrottle.WithRetryBudget(0, 0)}, 10},
		{[]clerkthrottle.Option{clerkthrottle.WithRetryBudget(3, 0)}, 40},
		{[]clerkthrottle.Option{clerkthrottle.WithRetryBudget(0, 3)}, 13},
	} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			down := baseFunc(func(req *http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: req}, nil
			})
			rt := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(down))...)
			for range 10 {
				req, _ := http.NewRequest(http.MethodGet, usersURL, nil)
				if resp, err := rt.RoundTrip(req); err != nil || resp.StatusCode != http.StatusServiceUnavailable {
					t.Fatal(resp, err)
				}
			}
			if sent != tt.want {
				t.Errorf("%d requests for ten calls, want %d", sent, tt.want)
			}
			if denied := rt.Snapshot().Retries.Denied; (denied > 0) != (tt.want < 40) {
				t.Errorf("%d retries denied", denied)
			}
		})
	}
}
