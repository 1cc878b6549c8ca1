package statuspage_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
)

// The page belongs where pprof is: on a listener that only operators reach.
func Example() {
	throttle, err := clerkthrottle.NewTransport()
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: throttle} // for the Clerk SDK
	_ = client

	operators := http.NewServeMux()
	operators.Handle("/debug/throttle/", statuspage.New(throttle, statuspage.WithTitle("nightly import")))
	server := httptest.NewServer(operators) // or go http.ListenAndServe("localhost:6060", operators)
	defer server.Close()

	resp, err := http.Get(server.URL + "/debug/throttle/")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.Status, strings.Contains(string(page), "No request yet"))
	// Output: 200 OK true
}
