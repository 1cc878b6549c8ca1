package clerktest

import (
	"cmp"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Loss says where on its way a request or its answer is lost.
type Loss int

const (
	// NothingLost is the zero value.
	NothingLost Loss = iota
	// RequestLost: a connection error before the request arrived. The server
	// neither counts nor logs it. In memory the error is that of a refused
	// dial, unless Err says otherwise.
	RequestLost
	// AnswerLost: the request arrives, is counted and carried out, and the
	// connection breaks before the answer is back. In memory the error is a
	// reset while reading, unless Err says otherwise.
	AnswerLost
)

// Fault is what goes wrong with one request. The zero value is nothing. Limits
// come first: a request that they reject gets its 429, whatever Status says.
type Fault struct {
	// Loss breaks the connection: in memory an error from RoundTrip, over a
	// socket a closed connection.
	Loss Loss
	// Err is the error of a Loss in memory; nil means the usual one.
	Err error

	// Status answers the accepted request with this status, and leaves the
	// operation undone. 0 means the operation's own answer. A 429 with a
	// Retry-After in Header blocks the endpoint just as the server's own do.
	Status int
	// Code is the code of the Clerk error in the answer's body, if Status is set;
	// empty means one that suits the status.
	Code string
	// Body is the answer's body in place of a Clerk error, if Status is set. It
	// need not be JSON: set Content-Type in Header if it is not.
	Body string
	// Header is set on the answer, in place of what is there.
	Header http.Header

	// Stall, if not 0, stops the answer's body half-way for that long. A
	// negative value stops it until the request's context ends or the body is
	// closed.
	Stall time.Duration
}

// ProductRule is a 429 that no waiting cures: code is one of Clerk's, such as
// "signup_rate_limit_exceeded" or "verification_code_too_many_requests". It has
// no Retry-After; set one in Header.
func ProductRule(code string) Fault {
	return Fault{Status: http.StatusTooManyRequests, Code: code}
}

// answer is what a fault with a Status says in place of the operation.
func (f Fault) answer() answer {
	if f.Body != "" {
		return answer{status: f.Status, body: []byte(f.Body)}
	}
	text := http.StatusText(f.Status)
	code := cmp.Or(f.Code, codes[f.Status], strings.ReplaceAll(strings.ToLower(text), " ", "_"))
	return errorAnswer(f.Status, code, text, text)
}

// codes are those of Clerk's errors that do not follow from the status.
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
