package clerkthrottle

import "testing"

func TestEachVisitorOfAnInstanceHasACountOfHisOwn(t *testing.T) {
	c := newTestClassifier(t)
	signIn := func(host, address string) string {
		return bucketOf(t, c.classify(newRequest("POST", host+"/v1/client/sign_ins", "", "X-Forwarded-For", address)), "POST /v1/client/sign_ins")
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
		return c.classify(newRequest("POST", frontendURL+"/v1/client/sign_ins", "", "X-Forwarded-For", address)).Key
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
		return bucketOf(t, c.classify(newRequest("GET", backendURL+"/v1/users", devKey, "X-Forwarded-For", address)), InstanceLimit)
	}
	if bucket("203.0.113.7") != bucket("203.0.113.8") {
		t.Error("two buckets for one instance")
	}
}
