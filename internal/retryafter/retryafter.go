// Package retryafter parses the Retry-After field of an HTTP response (RFC 9110,
// section 10.2.3) as real servers send it: seconds, a date in any of three forms, a
// fraction, a number too large for an integer, several values, or nonsense.
//
// It only says how long the server asks its client to wait. Whether to obey, and for
// how long at most, is up to the caller.
package retryafter

import (
	"net/http"
	"strings"
	"time"
)

// Max is the longest wait that [Parse] returns; anything longer becomes Max.
//
// Ten years is for ever to a program that holds back requests. It is far below the
// largest time.Duration (292 years), so that a caller may add it to a time, add
// jitter and call UnixNano (valid until 2262) without overflow.
const Max = 10 * 365 * 24 * time.Hour

// Parse returns how long the response with header h asks its client to wait, counted
// from now, the wall time at which the response arrived. It returns false if h, which
// may be nil, has no valid Retry-After: then the server asked for no wait.
//
// A value is a number of seconds, with or without a decimal fraction (rounded up to a
// whole nanosecond), or an HTTP date. A date is compared with the response's own
// Date, which comes from the same clock, or with now if there is none. Signs,
// exponents, units and other bases are invalid.
//
// Of several values, on one line or many, Parse returns the longest, since a block
// kept too long costs less than one broken too soon. It skips invalid ones.
//
// The wait is never negative: zero and dates in the past return (0, true). What to
// make of that is up to the caller.
func Parse(h http.Header, now time.Time) (time.Duration, bool) {
	var (
		longest time.Duration // never negative: dates in the past count as 0
		found   bool
	)
	keep := func(d time.Duration) {
		longest = max(longest, d)
		found = true
	}
	for _, line := range h.Values("Retry-After") {
		for len(line) > 0 {
			// An HTTP date has a comma of its own in two of its three forms,
			// so each item is tried alone and together with the next one.
			item, rest, _ := strings.Cut(line, ",")
			if d, ok := parseSeconds(trim(item)); ok {
				keep(d)
			} else if t, ok := parseDate(trim(item)); ok {
				keep(until(t, h, now))
			} else {
				next, _, _ := strings.Cut(rest, ",")
				if t, ok := parseDate(trim(line[:len(line)-len(rest)+len(next)])); ok {
					keep(until(t, h, now))
				}
			}
			line = rest
		}
	}
	return longest, found
}

// until returns the time from the response's Date, or from now without one, to t. It
// is negative if t is in the past.
func until(t time.Time, h http.Header, now time.Time) time.Duration {
	if date, ok := parseDate(trim(h.Get("Date"))); ok {
		now = date
	}
	// Sub saturates if two dates are further apart than a Duration holds.
	return min(t.Sub(now), Max)
}

// parseSeconds parses digits, or digits, a point and digits.
func parseSeconds(s string) (time.Duration, bool) {
	whole, fraction, hasPoint := strings.Cut(s, ".")
	if !allDigits(whole) || hasPoint && !allDigits(fraction) {
		return 0, false
	}
	var d time.Duration
	for _, c := range []byte(whole) {
		// Clamped at each digit, d cannot overflow.
		d = min(d*10+time.Duration(c-'0')*time.Second, Max)
	}
	unit := time.Second
	for _, c := range []byte(fraction) {
		if unit /= 10; unit > 0 {
			d += time.Duration(c-'0') * unit
		} else if c != '0' {
			d++ // part of a nanosecond: one such digit rounds up, the rest add nothing
			break
		}
	}
	return min(d, Max), true
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// shortestDate is the length of the shortest date that http.ParseTime accepts.
// Checking it first avoids a failed parse, which allocates three errors.
const shortestDate = len("Sun Nov 6 8:49:37 1994")

func parseDate(s string) (time.Time, bool) {
	if len(s) < shortestDate {
		return time.Time{}, false
	}
	// http.ParseTime accepts any zone in the forms that name one, and treats an
	// unknown one as UTC: an error of hours.
	if strings.Contains(s, ",") && !strings.HasSuffix(s, " GMT") {
		return time.Time{}, false
	}
	t, err := http.ParseTime(s)
	return t, err == nil
}

// trim removes the optional whitespace that RFC 9110 allows around values.
func trim(s string) string { return strings.Trim(s, " \t") }
