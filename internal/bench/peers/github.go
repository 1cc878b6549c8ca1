package peers

import (
	"io"
	"net/http"
	"strings"
)

const secondaryLimit = `{"message":"You have exceeded a secondary rate limit.",` +
	`"documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`

// githubWords rewrites a 429 of Clerk's as GitHub's secondary limit, as its clients
// expect.
func githubWords(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && resp.StatusCode == http.StatusTooManyRequests {
			resp.Body.Close()
			resp.Body = io.NopCloser(strings.NewReader(secondaryLimit))
			resp.ContentLength = int64(len(secondaryLimit))
		}
		return resp, err
	})
}
