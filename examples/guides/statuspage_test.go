package guides_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
)

func mount(throttle *clerkthrottle.Transport) http.Handler {
	// guide: statuspage
	operators := http.NewServeMux() // served on localhost:6060, say, and not to the world
	operators.Handle("/debug/throttle/", statuspage.New(throttle, statuspage.WithTitle("shop")))
	// guide end
	return operators
}

func TestMountedPage(t *testing.T) {
	throttle, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(clerktest.New().RoundTripper()))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mount(throttle))
	defer server.Close()
	resp, err := http.Get(server.URL + "/debug/throttle/")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(page), "shop") {
		t.Errorf("%s: %v", page, err)
	}
}
