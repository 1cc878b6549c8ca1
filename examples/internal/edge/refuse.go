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

// RetryAfter sets the header to d in whole seconds, rounded up and at least 1.
func RetryAfter(h http.Header, d time.Duration) {
	h.Set("Retry-After", strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10))
}

// statusClientGone is the status of a request whose client has left. Nobody is
// there to read it.
const statusClientGone = 499

// ErrorHandler answers for a request that brought no answer from Clerk: see
// [net/http/httputil.ReverseProxy]. One that the throttle refused is answered as
// Clerk would have: 429, too_many_requests, and when to try again.
func ErrorHandler(logger *slog.Logger) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) {
		throttled, crowded := (*transport.ThrottledError)(nil), (*crowdedError)(nil)
		switch {
		case errors.As(err, &crowded):
			RetryAfter(w.Header(), crowded.wait)
			Refuse(w, http.StatusTooManyRequests, "too_many_requests", crowded.Error())
		case errors.As(err, &throttled) && throttled.Reason == transport.ReasonClosed:
			RetryAfter(w.Header(), time.Second)
			Refuse(w, http.StatusServiceUnavailable, "service_unavailable", "The proxy is shutting down.")
		case errors.As(err, &throttled) && throttled.Reason == transport.ReasonUnavailable:
			logger.Error(err.Error(), "method", r.Method)
			RetryAfter(w.Header(), time.Second)
			Refuse(w, http.StatusServiceUnavailable, "service_unavailable", "The proxy cannot reach the budget that it shares.")
		case errors.As(err, &throttled):
			RetryAfter(w.Header(), throttled.Wait)
			Refuse(w, http.StatusTooManyRequests, "too_many_requests", throttled.Error())
		case r.Context().Err() != nil:
			w.WriteHeader(statusClientGone)
		default:
			logger.Error("no answer from Clerk", "method", r.Method, "error", err)
			Refuse(w, http.StatusBadGateway, "bad_gateway", "The proxy got no answer from Clerk.")
		}
	}
}
