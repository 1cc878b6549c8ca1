package statuspage_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

// shown returns the page of a snapshot as a reader without JavaScript sees it:
// its text, words a space apart.
func shown(s snapshot.Snapshot, query string) string {
	page := statuspage.New(source(func() snapshot.Snapshot { return s }))
	body := get(page, "GET", "/"+query).Body.String()
	_, body, _ = strings.Cut(body, "<body")
	body = regexp.MustCompile(`<wbr>|</?code>|</?time[^>]*>`).ReplaceAllString(body, "")
	body = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(body)), " ")
}

func TestPageSaysWhatHoldsRequestsBack(t *testing.T) {
	until := noon.Add(6 * time.Second)
	later := noon.Add(90 * time.Second)
	limit := func(name string, waiting int) snapshot.Limit {
		return snapshot.Limit{Name: name, Key: "p " + name, N: 100, Window: 10 * time.Second, Waiting: waiting}
	}
	at := func(name string, waiting int, until *time.Time) snapshot.Endpoint {
		return snapshot.Endpoint{Endpoint: name, Key: "p " + name, Waiting: waiting, BlockedUntil: until, Rate: 42.5, Documented: 100}
	}
	history := func(c snapshot.Counts) snapshot.History {
		return snapshot.History{Slice: 10 * time.Second, Slices: []snapshot.Slice{{Start: noon.Add(-20 * time.Second), Counts: c}}}
	}
	past := noon.Add(-time.Second)
	for _, c := range []struct {
		says string
		s    snapshot.Snapshot
	}{
		{"No request yet", snapshot.Snapshot{}},
		{"The shared budget cannot be reached since 10:00:00", snapshot.Snapshot{
			Limits: []snapshot.Limit{limit("instance", 0)}, Fleet: &snapshot.Fleet{Since: time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC), Error: "refused"}}},
		{"Is the limit the reason? No Nothing waits", snapshot.Snapshot{Limits: []snapshot.Limit{limit("instance", 0)}}},
		{"No Nothing waits", snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/users", 0, &past)}}},
		{"Not now Nothing waits Last minute: 9 sent, 3 of them held back, 1 answered 429.",
			snapshot.Snapshot{History: history(snapshot.Counts{Sent: 9, Waited: 3, Throttled: 1})}},
		{"Last ten minutes: 1,234 sent, 0 of them held back, 0 answered 429.",
			snapshot.Snapshot{History: history(snapshot.Counts{Sent: 1234})}},
		{"Is the limit the reason? Yes 1 request waits for the limit “instance”",
			snapshot.Snapshot{Limits: []snapshot.Limit{limit("instance", 1)}}},
		{"23 requests wait for the limit “instance” 2 requests wait for the limit “PATCH /v1/users/{user_id}”",
			snapshot.Snapshot{Limits: []snapshot.Limit{limit("PATCH /v1/users/{user_id}", 2), limit("instance", 23)}}},
		{"6 requests wait for 3 limits",
			snapshot.Snapshot{Limits: []snapshot.Limit{limit("a", 1), limit("b", 2), limit("c", 3)}}},
		{"Yes GET /v1/users is blocked for another 6.0 s after a 429 ",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/users", 0, &until)}}},
		{"GET /v1/users is blocked for another 6.0 s after a 429; 7 requests wait",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/users", 7, &until)}}},
		{"2 endpoints are blocked after 429s, the last for another 1 min 30 s; 7 requests wait",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/a", 7, &later), at("GET /v1/b", 0, &until)}}},
		{"5 requests wait for the rate of GET /v1/users, 42.5 a second",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/users", 5, nil)}}},
		{"5 requests wait for the learned rate of GET /v1/users, 42.5 of 100 a second",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{{Endpoint: "GET /v1/users", Waiting: 5, Learned: true, Rate: 42.5, Documented: 100}}}},
		{"6 requests wait for the rates of 2 endpoints",
			snapshot.Snapshot{Endpoints: []snapshot.Endpoint{at("GET /v1/a", 5, nil), at("GET /v1/b", 1, nil)}}},
	} {
		c.s.Time = noon
		if got := shown(c.s, ""); !strings.Contains(got, c.says) {
			t.Errorf("the page lacks %q:\n%s", c.says, got)
		}
	}
}

func TestPageShowsEverything(t *testing.T) {
	got := shown(sample(noon), "")
	for _, says := range []string{
		"reloads every 5 s",
		"12:00:00 UTC · development 3fa9c1d27b04",
		"6.2 s GET /v1/users 7 waiting: 7 normal",
		"instance 1,100 per 10 s in flight 88 returning 1,012 free 0 waiting 23 4 interactive, 18 normal, 1 batch",
		"PATCH /v1/users/{user_id} user_2a 10 per 10 s in flight 0 returning 3 free 7 waiting 0",
		"GET /v1/users blocked 7 7 normal 42.5 of 110 980 310 3 3 2 0 0 0 0",
		"GET /v1/organizations 0 110 1,234 200 0 0 0 0 84 ms 1.2 s 2 s",
		"11:59:50 89 29 464 ms 1 0",
		"2 endpoints",
	} {
		if !strings.Contains(got, says) {
			t.Errorf("the page lacks %q:\n%.6000s", says, got)
		}
	}
	body := get(samplePage(), "GET", "/").Body.String()
	for _, says := range []string{
		`aria-valuemax="1100" aria-valuenow="0" aria-valuetext="0 of 1,100 free, 88 in flight, 1,012 returning; 23 requests wait"`,
		`<rect class="inflight" width="8%" height="100%"/><rect class="returning" x="8%" width="92%" height="100%"/>`,
		`data-announce="Requests wait for the limit instance. GET /v1/users is blocked after a 429"`,
		`<rect class="hot" width="38.64%" height="100%"/>`,
	} {
		if !strings.Contains(body, says) {
			t.Errorf("the page lacks %s", says)
		}
	}
	shared := sample(noon)
	shared.Limits[1].Returning, shared.Limits[1].Owned = 462, 550
	if says := "free 0 of 1,100 are this program’s 550 waiting 23"; !strings.Contains(shown(shared, ""), says) || strings.Contains(got, "program’s") {
		t.Errorf("only a page of a fleet is to say %q", says)
	}
	if n := strings.Count(got, "3fa9c1d27b04"); n != 1 {
		t.Errorf("what all keys have in common is said %d times", n)
	}
	if strings.Index(got, "instance 1,100") > strings.Index(got, "user_2a 10") {
		t.Error("the limit for which requests wait does not come first")
	}
}

func TestTableShowsWhatIsAsked(t *testing.T) {
	order := func(s snapshot.Snapshot, query string) string {
		names := regexp.MustCompile(`GET /v1/\w+`).FindAllString(shown(s, query), -1)
		return strings.ReplaceAll(strings.Join(names, " "), "GET /v1/", "")
	}
	three := snapshot.Snapshot{Time: noon}
	for _, e := range []struct {
		name    string
		rate    float64
		sent    int64
		learned bool
	}{{"a", 100, 5, false}, {"b", 3, 1, true}, {"c", 50, 9, false}} {
		three.Endpoints = append(three.Endpoints, snapshot.Endpoint{
			Endpoint: "GET /v1/" + e.name, Key: "GET /v1/" + e.name, Rate: e.rate, Learned: e.learned, Documented: 100,
			Counts: snapshot.Counts{Sent: e.sent},
		})
	}
	for query, want := range map[string]string{
		"":                         "b c a", // a learned rate is news
		"?sort=endpoint":           "a b c",
		"?sort=endpoint&reverse=1": "c b a",
		"?sort=sent":               "c a b",
		"?sort=sent&reverse=1":     "b a c",
		"?sort=rate":               "b c a",
		"?sort=nonsense":           "b c a",
		"?filter=V1/C":             "c",
		"?filter=get+b":            "b",
		"?filter=%3Cscript%3E":     "",
	} {
		if got := order(three, query); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}

	for query, want := range map[string]struct {
		rows int
		says string
	}{
		"":                  {15, "and 485 more: show all"},
		"?all=1":            {300, "200 more are in snapshot.json . Show the busy only"},
		"?filter=things_12": {10, "10 of 500 endpoints"},
		"?filter=missing":   {0, "No endpoint matches “missing”."},
	} {
		got := shown(many(500), query)
		if n := strings.Count(got, "GET /v1/things_"); n != want.rows || !strings.Contains(got, want.says) {
			t.Errorf("%q: %d rows, want %d and %q:\n%.2000s", query, n, want.rows, want.says, got)
		}
	}
}

// TestPageHoldsNoSecret looks for a secret key in everything that the page of a busy
// throttle sends.
func TestPageHoldsNoSecret(t *testing.T) {
	const key = "sk_test_thisIsTheSecretOfTheTest"
	stand := clerktest.New(clerktest.WithInstanceKeys(key))
	throttle, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(stand.RoundTripper()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = throttle.Close() }()
	req, err := http.NewRequest("GET", "https://api.clerk.com/v1/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := throttle.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	page := statuspage.New(throttle)
	for path := range paths {
		w := get(page, "GET", path+"?filter=users")
		if strings.Contains(w.Body.String(), "thisIsTheSecret") {
			t.Errorf("%s holds the secret key", path)
		}
		if path == "/snapshot.json" && !strings.Contains(w.Body.String(), "GET /v1/users") {
			t.Error("the throttle has seen nothing: the test proves nothing")
		}
	}
}

// TestNamesAreEscaped: names come from requests, and the filter from the URL.
func TestNamesAreEscaped(t *testing.T) {
	const bad = `"><script>alert(1)</script>`
	s := sample(noon)
	s.Limits[0].Name, s.Limits[0].Key, s.Endpoints[1].Endpoint, s.Endpoints[1].Key = bad, bad, bad, bad
	page := statuspage.New(source(func() snapshot.Snapshot { return s }))
	body := get(page, "GET", "/?filter="+`%22%3E%3Cscript%3Ealert(1)%3C/script%3E`).Body.String()
	if strings.Contains(body, "<script>") || !strings.Contains(body, "&lt;script&gt;") {
		t.Error("a name is not escaped")
	}
}
