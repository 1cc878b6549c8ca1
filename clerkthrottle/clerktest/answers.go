package clerktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An answer is a response before it is sent.
type answer struct {
	status int
	header http.Header
	json   any // the body; nil: use body
	body   []byte
	stall  time.Duration
}

type errorBody struct {
	Errors  []apiError `json:"errors"`
	TraceID string     `json:"clerk_trace_id,omitempty"`
}

type apiError struct {
	Message     string `json:"message"`
	LongMessage string `json:"long_message"`
	Code        string `json:"code"`
}

func jsonAnswer(v any) answer { return answer{status: http.StatusOK, json: v} }

func errorAnswer(status int, code, message, long string) answer {
	return answer{status: status, json: apiError{Code: code, Message: message, LongMessage: long}}
}

var (
	rateLimited = errorAnswer(http.StatusTooManyRequests, "too_many_requests", "Too many requests. Please try again in a bit.",
		"You have reached your limit of requests per second to this endpoint. Please try again in a bit.")
	unauthenticated = errorAnswer(http.StatusUnauthorized, "authentication_invalid", "Invalid authentication",
		"No secret key was given. Send it as Authorization: Bearer sk_….")
	malformedBody = errorAnswer(http.StatusBadRequest, "request_body_invalid", "Request body invalid",
		"The request body is not a JSON object that this operation understands.")
)

// defaultAnswer answers an operation when there is no handler.
func defaultAnswer(t *trip) answer {
	c := &t.call
	if a, ok := userAnswer(t); ok && !c.frontend {
		return a
	}
	switch {
	case c.frontend:
		return jsonAnswer(json.RawMessage(`{"response":{},"client":null}`))
	case c.endpoint == jwks:
		return jsonAnswer(json.RawMessage(`{"keys":[]}`))
	case c.method == http.MethodDelete && len(c.params) > 0:
		return jsonAnswer(map[string]any{"id": c.params[len(c.params)-1], "object": "resource", "deleted": true})
	case c.method == http.MethodGet && !strings.HasSuffix(c.endpoint, "}"):
		return jsonAnswer(json.RawMessage(`{"data":[],"total_count":0}`))
	default:
		return jsonAnswer(json.RawMessage(`{}`))
	}
}

// finish sets what every answer has. n is the request's number; the headers in extra
// replace others.
func (a *answer) finish(n int, date time.Time, extra http.Header) {
	trace := fmt.Sprintf("%032x", n)
	if e, ok := a.json.(apiError); ok {
		a.json = errorBody{[]apiError{e}, trace}
	}
	if a.json != nil {
		a.body, _ = json.Marshal(a.json) // cannot fail: our own types, or valid JSON
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("Content-Type", "application/json")
	a.header.Set("Date", date.UTC().Format(http.TimeFormat))
	a.header.Set("Clerk-Trace-Id", trace)
	for k, v := range extra {
		a.header[http.CanonicalHeaderKey(k)] = slices.Clone(v)
	}
}
