package clerkthrottle

import (
	"net/http"
	"testing"
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
		// What is no address counts as this process, or a made-up entry for
		// each request would have a budget for each request.
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
		if got := clientAddress(http.Header{"X-Forwarded-For": tt.header}); got != tt.want {
			t.Errorf("%q: counted for %q, want %q", tt.header, got, tt.want)
		}
	}
	if got := clientAddress(nil); got != "self" {
		t.Errorf("no header at all: counted for %q", got)
	}
}

func TestEachVisitorOfAnInstanceHasACountOfHisOwn(t *testing.T) {
	c := newTestClassifier(t)
	signIn := func(host, address string) string {
		return bucketOf(t, c.classify(request("POST", host+"/v1/client/sign_ins", "", "X-Forwarded-For", address)), "POST /v1/client/sign_ins")
	}
	one := signIn(frontendURL, "203.0.113.7")
	if again := signIn(frontendURL, "203.0.113.7:80, 10.0.0.1"); again != one {
		t.Errorf("one visitor has the counts %q and %q", one, again)
	}
	if other := signIn(frontendURL, "203.0.113.8"); other == one {
		t.Errorf("two visitors share the count %q", one)
	}
	if other := signIn("https://clerk.example.com", "203.0.113.7"); other == one {
		t.Errorf("two instances share the count %q", one)
	}
	if same := signIn("https://CLERK.example.com:443", "1.2.3.4"); same != signIn("https://clerk.example.com", "1.2.3.4") {
		t.Errorf("the host's spelling makes a count of its own: %q", same)
	}
	gate := func(address string) string {
		return c.classify(request("POST", frontendURL+"/v1/client/sign_ins", "", "X-Forwarded-For", address)).Key
	}
	if gate("203.0.113.7") == gate("203.0.113.8") {
		t.Error("a 429 for one visitor blocks another")
	}
}

// A server that forwards a visitor's headers to the Backend API still has one
// budget for all of them.
func TestForwardedAddressDoesntSplitTheInstancesBudget(t *testing.T) {
	c := newTestClassifier(t)
	bucket := func(address string) string {
		return bucketOf(t, c.classify(request("GET", backendURL+"/v1/users", devKey, "X-Forwarded-For", address)), InstanceLimit)
	}
	if bucket("203.0.113.7") != bucket("203.0.113.8") {
		t.Error("two buckets for one instance")
	}
}
