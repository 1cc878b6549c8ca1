package request_test

import (
	"net/http"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
)

func TestVisitorIsToldByTheLeftmostForwardedAddress(t *testing.T) {
	for _, tt := range []struct {
		header []string
		want   string
	}{
		{nil, "self"},
		{[]string{""}, "self"},
		{[]string{" "}, "self"},
		{[]string{","}, "self"},
		{[]string{"203.0.113.7"}, "203.0.113.7"},
		{[]string{" \t203.0.113.7 "}, "203.0.113.7"},
		{[]string{"203.0.113.7, 198.51.100.1, 192.0.2.9"}, "203.0.113.7"},
		{[]string{"203.0.113.7,198.51.100.1"}, "203.0.113.7"},
		{[]string{"203.0.113.7", "198.51.100.1"}, "203.0.113.7"}, // lines join into one list
		{[]string{"203.0.113.7:4711"}, "203.0.113.7"},
		{[]string{"2001:db8::1"}, "2001:db8::1"},
		{[]string{"2001:DB8:0:0:0:0:0:1"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{[]string{"fe80::1%eth0"}, "fe80::1"},
		{[]string{"[fe80::1%eth0]:80, 10.0.0.1"}, "fe80::1"},
		{[]string{"::ffff:203.0.113.7"}, "203.0.113.7"},
		{[]string{"[::ffff:203.0.113.7]:80"}, "203.0.113.7"},
		// Or a made-up entry for each request would have a budget for each request.
		{[]string{"unknown"}, "self"},
		{[]string{"_hidden, 203.0.113.7"}, "self"},
		{[]string{"for=203.0.113.7"}, "self"},
		{[]string{"203.0.113.999"}, "self"},
		{[]string{"203.0.113.007"}, "self"},
		{[]string{"203.0.113.7:99999"}, "self"},
		{[]string{"203.0.113.7 198.51.100.1"}, "self"},
		{[]string{"[2001:db8::1"}, "2001:db8::1"},
		{[]string{"\x00\xff"}, "self"},
		{[]string{"", "203.0.113.7"}, "self"},
	} {
		if got := request.ClientAddress(http.Header{"X-Forwarded-For": tt.header}, "self"); got != tt.want {
			t.Errorf("%q: counted for %q, want %q", tt.header, got, tt.want)
		}
	}
	if got := request.ClientAddress(nil, "self"); got != "self" {
		t.Errorf("no header at all: counted for %q", got)
	}
}

func TestKeyIsTheHeadersBearerToken(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer sk_test_x":    "sk_test_x",
		"bearer sk_test_x":    "sk_test_x",
		"BEARER   sk_test_x ": "sk_test_x",
		"Bearer":              "",
		"Bearer ":             "",
		"sk_test_x":           "",
		"Basic sk_test_x":     "",
		"Bearers sk_test_x":   "",
		"":                    "",
	} {
		if got := request.Bearer(http.Header{"Authorization": {header}}); got != want {
			t.Errorf("%q: key %q, want %q", header, got, want)
		}
	}
}
