package clerktest

import (
	"cmp"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Loss says where a request or its answer is lost.
type Loss int

const (
	// NothingLost is the zero value.
	NothingLost Loss = iota
	// RequestLost is a connection error before the request arrives. The server
	// neither counts nor logs it. In memory the error is that of a refused dial,
	// unless Err is set.
	RequestLost
	// AnswerLost breaks the connection after the request has arrived, been counted
	// and carried out, before the answer is back. In memory the error is a reset
	// while reading, unless Err is set.
	AnswerLost
)

// Fault is what goes wrong with one request. The zero value is nothing. Limits come
// first: a request that they reject gets its 429 whatever Status is.
type Fault struct {
	// Loss breaks the connection: RoundTrip returns an error in memory; a socket is
	// closed.
	Loss Loss
	// Err is the error of a Loss in memory; nil means the default.
	Err error

	// Status answers the accepted request with this status, without carrying it out.
	// 0 means the operation's own answer. A 429 with a Retry-After in Header blocks
	// the endpoint just as the server's own do.
	Status int
	// Code is the code of the Clerk error in the body, if Status is set; empty means
	// one that suits the status.
	Code string
	// Body replaces the Clerk error as the body, if Status is set. It need not be
	// JSON: if it is not, set Content-Type in Header.
	Body string
	// Header is set on the answer and replaces what is there.
	Header http.Header

	// Stall, if not 0, pauses the body half-way for that long. If negative, the pause
	// lasts until the request's context ends or the body is closed.
	Stall time.Duration
}

// ProductRule is a 429 that waiting does not cure. code is one of Clerk's, such as
// "signup_rate_limit_exceeded" or "verification_code_too_many_requests". It has no
// Retry-After; to add one, set Header.
func ProductRule(code string) Fault {
	return Fault{Status: http.StatusTooManyRequests, Code: code}
}

// answer returns the answer of a fault with a Status.
func (f Fault) answer() answer {
	if f.Body != "" {
		return answer{status: f.Status, body: []byte(f.Body)}
	}
	text := http.StatusText(f.Status)
	code := cmp.Or(f.Code, codes[f.Status], strings.ReplaceAll(strings.ToLower(text), " ", "_"))
	return errorAnswer(f.Status, code, text, text)
}

// codes are Clerk's error codes that do not follow from the status text.
var codes = map[int]string{
	http.StatusUnauthorized:        "authentication_invalid",
	http.StatusForbidden:           "authorization_invalid",
	http.StatusNotFound:            "resource_not_found",
	http.StatusInternalServerError: "internal_clerk_error",
}

func (f Fault) zero() bool {
	return f.Loss == NothingLost && f.Status == 0 && f.Header == nil && f.Stall == 0
}

func (f Fault) lossError() error {
	switch {
	case f.Err != nil:
		return f.Err
	case f.Loss == RequestLost:
		return &net.OpError{Op: "dial", Net: "tcp", Addr: loopback, Err: syscall.ECONNREFUSED}
	default:
		return &net.OpError{Op: "read", Net: "tcp", Addr: loopback, Err: syscall.ECONNRESET}
	}
}

var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}
