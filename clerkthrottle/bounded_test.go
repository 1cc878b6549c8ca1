package clerkthrottle

import (
	"fmt"
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

func TestMadeUpPathsMakeNamesWithoutBound(t *testing.T) {
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
				back := c.classify(request(method, backendURL+path, devKey)).Endpoint
				front := c.classify(request(method, frontendURL+path, "")).Endpoint
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

// Several requests may see the last free place at once.
func TestNamesAddedAtOnceExceedTheBound(t *testing.T) {
	var n names
	for i := range 2 * maxNames {
		n.add(fmt.Sprint("GET /", i))
	}
	if len(n.seen) != maxNames {
		t.Errorf("%d names, want %d", len(n.seen), maxNames)
	}
}

func TestManyKeysAreRememberedWithoutBound(t *testing.T) {
	c := newTestClassifier(t, WithInstanceType(Production))
	first := instanceBucket(t, c, devKey)
	operations := []string{"GET /v1/users", "POST /v1/users", "GET /v1/jwks", "GET /v1/sessions", "POST /v1/invitations"}
	for i := range 3 * maxKept {
		for _, op := range operations {
			method, path, _ := strings.Cut(op, " ")
			c.classify(request(method, backendURL+path, fmt.Sprintf("sk_test_%d", i)))
		}
		if len(c.instances) > maxKept || len(c.claims) > maxKept || len(c.warned) > maxKept {
			t.Fatalf("after %d keys: %d instances, %d claims, %d warned", i, len(c.instances), len(c.claims), len(c.warned))
		}
	}
	if again := instanceBucket(t, c, devKey); again != first {
		t.Errorf("a key that was forgotten has the bucket %q, before %q", again, first)
	}
}

func TestManyResourcesAreRemembered(t *testing.T) {
	c := newTestClassifier(t)
	for i := range 10_000 {
		c.classify(backendRequest(fmt.Sprintf("PATCH /v1/users/user_%d", i)))
		c.classify(request("POST", frontendURL+"/v1/client/sign_ins", "", "X-Forwarded-For", fmt.Sprintf("10.0.%d.%d", i/256, i%256)))
	}
	if len(c.claims) > 0 {
		t.Errorf("%d claims are kept, want none of one resource or visitor", len(c.claims))
	}
}

func TestSeveralGoroutinesClassifyAtOnce(t *testing.T) {
	c := newTestClassifier(t)
	var wg sync.WaitGroup
	until := time.Now().Add(100 * time.Millisecond)
	for g := range 4 {
		wg.Go(func() {
			for i := 0; time.Now().Before(until); i++ {
				c.classify(request("GET", backendURL+"/v1/users", fmt.Sprintf("sk_test_%d", i%100)))
				c.classify(request("GET", fmt.Sprintf("%s/v1/new/%d/%d", backendURL, g, i), devKey))
				c.classify(request("PATCH", backendURL+"/v1/users/"+aUser, liveKey))
			}
		})
	}
	wg.Wait()
}
