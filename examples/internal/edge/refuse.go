package edge

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Refuse answers with an error in Clerk's form, which its libraries turn into an
// error of their own.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	type clerkError struct {
		Message     string `json:"message"`
		LongMessage string `json:"long_message"`
		Code        string `json:"code"`
	}
	body, _ := json.Marshal(struct {
		Errors []clerkError `json:"errors"`
	}{[]clerkError{{http.StatusText(status), message, code}}})
	w.Header().Set("Content-Type", "application/json") // to the letter: Clerk's library for Node compares it
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// A refusal is an error that says how to answer.
type refusal struct {
	status        int
	code, message string
	wait          time.Duration // with 429 and 503: until it is worth trying again
}

// Error implements error.
func (r *refusal) Error() string { return r.message }

// Why a request was not passed on.
var (
	errTooLong  = &refusal{http.StatusRequestEntityTooLarge, "request_too_large", "The body is longer than this proxy takes.", 0}
	errNoRoom   = &refusal{http.StatusTooManyRequests, "too_many_requests", "Too much of your requests' bodies waits here already: send fewer at a time.", 0}
	errTooSlow  = &refusal{http.StatusRequestTimeout, "request_timeout", "The body did not come in time.", 0}
	errFiles    = &refusal{http.StatusServiceUnavailable, "service_unavailable", "The proxy could not keep the body.", 0}
	errCutShort = &refusal{http.StatusBadRequest, "request_invalid", "The body was cut short.", 0}
	errClosed   = &refusal{http.StatusServiceUnavailable, "service_unavailable", "The proxy is shutting down.", 0}
)

// refusalOf tells how to answer a request that failed. One that the throttle
// refused is answered as Clerk would have: 429, too_many_requests, and when to try
// again.
func refusalOf(err error) *refusal {
	ours, throttled := (*refusal)(nil), (*transport.ThrottledError)(nil)
	switch {
	case errors.As(err, &ours):
		return ours
	case !errors.As(err, &throttled):
		return &refusal{http.StatusBadGateway, "bad_gateway", "The proxy got no answer from Clerk.", 0}
	case throttled.Reason == transport.ReasonClosed:
		return errClosed
	case throttled.Reason == transport.ReasonUnavailable:
		return &refusal{http.StatusServiceUnavailable, "service_unavailable", "The proxy cannot reach the budget that it shares.", 0}
	}
	return &refusal{http.StatusTooManyRequests, "too_many_requests", throttled.Error(), throttled.Wait}
}

// ErrorHandler answers requests that failed, for a
// [net/http/httputil.ReverseProxy].
func ErrorHandler(logger *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		f := refusalOf(err)
		if f.status == http.StatusBadGateway && r.Context().Err() != nil {
			w.WriteHeader(statusClientGone)
			return
		}
		if f.status >= http.StatusInternalServerError && f != errClosed {
			logger.Error(f.message, "method", r.Method, "error", err)
		}
		if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
			seconds := int64((f.wait + time.Second - 1) / time.Second) // rounded up
			w.Header().Set("Retry-After", strconv.FormatInt(max(1, seconds), 10))
		}
		Refuse(w, f.status, f.code, f.message)
	}
}

// statusClientGone is the status of a request whose client has left. Nobody is
// there to read it.
const statusClientGone = 499
