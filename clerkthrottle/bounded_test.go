package clerkthrottle

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// word makes a path segment that cannot be told from a static one.
func word(r *rand.Rand) string {
	b := make([]byte, 6)
	for i := range b {
		b[i] = byte('g' + r.IntN(20))
	}
	return string(b)
}

func TestNamesForMadeUpPathsAreBounded(t *testing.T) {
	c := newTestClassifier(t)
	var mu sync.Mutex
	endpoints := map[string]map[string]bool{"backend": {}, "frontend": {}}
	var wg sync.WaitGroup
	for g := range 8 { // at once: the bound holds between looking and adding, too
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 100_000 / 8 {
				method := []string{"GET", "POST", "FETCH", word(r)}[r.IntN(4)]
				path := "/v1/" + word(r) + "/" + word(r)
				back := c.classify(newRequest(method, backendURL+path, devKey)).Endpoint
				front := c.classify(newRequest(method, frontendURL+path, "")).Endpoint
				mu.Lock()
				endpoints["backend"][back] = true
				endpoints["frontend"][front] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for api, seen := range endpoints {
		others := 0
		for name := range seen {
			if strings.HasSuffix(name, " /{other}") {
				others++
			}
		}
		if n := len(seen) - others; n > maxNames {
			t.Errorf("%s: %d names, want at most %d", api, n, maxNames)
		}
		if others > 3 { // GET, POST and OTHER
			t.Errorf("%s: %d names for the rest, want one a method", api, others)
		}
	}
	// Known operations keep their names, and names once given stay.
	wantEndpoint(t, c.classify(backendRequest("GET /v1/users/"+aUser)), "GET /v1/users/{user_id}")
	full := c.classify(backendRequest("GET /v1/" + "late/comer"))
	wantEndpoint(t, full, "GET /{other}")
	wantRows(t, full, development) // and the instance's limit holds for the rest as well
}

// Whoever calls a proxy can make up keys. Past the bound, they share the limits of
// one development instance, whatever they say they are, and no key that came
// before starts anew.
func TestMadeUpKeysPastTheBoundShareOneDevelopmentInstance(t *testing.T) {
	log := &lines{}
	c := newTestClassifier(t, WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	first := instanceBucket(t, c, liveKey)
	buckets := map[string]bool{}
	for i := range 3 * maxInstances {
		claim := c.classify(newRequest("GET", backendURL+"/v1/users", fmt.Sprintf("sk_live_%d", i)))
		buckets[claim.Limits[0].Key] = true
		if i > maxInstances {
			wantRows(t, claim, development)
		}
	}
	if len(buckets) != maxInstances { // one place is liveKey's, and one bucket the others'
		t.Errorf("%d instances have limits of their own, want %d", len(buckets), maxInstances)
	}
	late := c.classify(newRequest("PATCH", backendURL+"/v1/users/"+aUser, "sk_live_newcomer"))
	wantRows(t, late, "PATCH /v1/users/{user_id} 10/10s", development)
	if again := instanceBucket(t, c, liveKey); again != first {
		t.Errorf("the first key has the bucket %q, before %q", again, first)
	}
	if long := instanceBucket(t, newTestClassifier(t), "sk_live_"+strings.Repeat("x", 1<<20)); long != late.Limits[1].Key {
		t.Errorf("a key of a mebibyte has a bucket of its own, %q", long)
	}
	if text := strings.Join(log.all(), "\n"); strings.Count(text, "too many secret keys") != 1 {
		t.Errorf("want one warning:\n%s", text)
	}
}

func TestInstanceWithANameIsOneWhateverTheKey(t *testing.T) {
	c := newTestClassifier(t, WithInstanceID("shop"))
	first := instanceBucket(t, c, "sk_live_0")
	for i := range 3 * maxInstances {
		if got := instanceBucket(t, c, fmt.Sprintf("sk_live_%d", i)); got != first {
			t.Fatalf("key %d: bucket %q, want %q", i, got, first)
		}
	}
}

// A URL may come from a stranger, who can name any host.
func TestHostsPastTheBoundShareGatesAndLimits(t *testing.T) {
	c := newTestClassifier(t)
	gates, buckets := map[string]bool{}, map[string]bool{}
	for i := range 3 * maxHosts {
		claim := c.classify(newRequest("POST", fmt.Sprintf("https://clerk.h%d.example/v1/client/sign_ins", i), ""))
		gates[claim.Key], buckets[claim.Limits[0].Key] = true, true
	}
	if len(gates) != maxHosts+1 || len(buckets) != maxHosts+1 {
		t.Errorf("%d gates and %d buckets, want one for each of %d hosts and one for the rest", len(gates), len(buckets), maxHosts)
	}
}

// In a proxy, one visitor's 429 must not block another, whether or not the endpoint
// has a row.
func TestVisitorsHaveGatesApart(t *testing.T) {
	c := newTestClassifier(t)
	for _, path := range []string{"/v1/client/sign_ins", "/v1/client/handshake", "/v1/not_yet_known"} {
		one := c.classify(newRequest("POST", frontendURL+path, "", "X-Forwarded-For", "192.0.2.1"))
		two := c.classify(newRequest("POST", frontendURL+path, "", "X-Forwarded-For", "192.0.2.2"))
		if one.Key == two.Key {
			t.Errorf("%s: two visitors share the gate %q", path, one.Key)
		}
		if one.Rate != noRate || two.Rate != noRate {
			t.Errorf("%s: the budget is not told that there are very many like it", path)
		}
	}
}

// What is counted for one resource or address is countless: the budget bounds it,
// and has to know it for what it is.
func TestCountlessLimitsAreMarkedPrivate(t *testing.T) {
	c := newTestClassifier(t)
	for _, l := range c.classify(newRequest("POST", frontendURL+"/v1/client/sign_ins", "", "X-Forwarded-For", "192.0.2.1")).Limits {
		if !l.Private {
			t.Errorf("%q is not private", l.Key)
		}
	}
	user := c.classify(backendRequest("PATCH /v1/users/" + aUser)).Limits
	if !user[0].Private || user[1].Private {
		t.Errorf("private: %t of the user's, %t of the instance's limit", user[0].Private, user[1].Private)
	}
	in := c.instances.of(devKey)
	for i := range in.claims {
		if in.claims[i].Load() != nil {
			t.Errorf("the claim of one resource is kept: %+v", in.claims[i].Load())
		}
	}
}

func TestClassifierIsSafeForConcurrentUse(t *testing.T) {
	c := newTestClassifier(t)
	var wg sync.WaitGroup
	until := time.Now().Add(100 * time.Millisecond)
	for g := range 4 {
		wg.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				c.classify(newRequest("GET", backendURL+"/v1/users", fmt.Sprintf("sk_test_%d", i%100)))
				c.classify(newRequest("GET", fmt.Sprintf("%s/v1/new/%d/%d", backendURL, g, i), devKey))
				c.classify(newRequest("PATCH", backendURL+"/v1/users/"+aUser, liveKey))
			}
		})
	}
	wg.Wait()
}
