package clerkthrottle

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const (
	development = "instance 100/10s"
	production  = "instance 1000/10s"
)

func TestInstanceTypeIsTheKeysOrTheStricter(t *testing.T) {
	keys := []struct{ key, auto string }{
		{"sk_live_abc", production},
		{"sk_test_abc", development},
		{"live_abc", production}, // legacy
		{"test_abc", development},
		{"ak_abc", development}, // a machine key tells nothing: the stricter limit
		{"SK_LIVE_abc", development},
		{"sk_live", development},
		{"", development},
	}
	for _, k := range keys {
		says := typeOfKey(k.key)
		for _, configured := range []InstanceType{Auto, Development, Production} {
			c := newTestClassifier(t, WithInstanceType(configured))
			want := k.auto
			switch {
			case configured == Auto:
			case says == Auto && configured == Production:
				want = production // nothing contradicts
			case configured == Development:
				want = development
			}
			wantRows(t, c.classify(newRequest("GET", backendURL+"/v1/users", k.key)), want)
		}
	}
}

func instanceBucket(t *testing.T, c *classifier, key string) string {
	t.Helper()
	return bucketOf(t, c.classify(newRequest("GET", backendURL+"/v1/users", key)), InstanceLimit)
}

func TestKeysOfOneNamedInstanceShareItsBudget(t *testing.T) {
	c := newTestClassifier(t, WithInstanceID("shop"))
	one, two := instanceBucket(t, c, "sk_live_one"), instanceBucket(t, c, "sk_live_two")
	if one != two {
		t.Errorf("WithInstanceID: buckets %q and %q, want one", one, two)
	}
	patch := func(key string) string {
		return bucketOf(t, c.classify(newRequest("PATCH", backendURL+"/v1/users/"+aUser, key)), "PATCH /v1/users/{user_id}")
	}
	if one, two := patch("sk_live_one"), patch("sk_live_two"); one != two {
		t.Errorf("WithInstanceID: buckets of a user %q and %q, want one", one, two)
	}
	gate := func(key string) string { return c.classify(newRequest("GET", backendURL+"/v1/users", key)).Key }
	if gate("sk_live_one") != gate("sk_live_two") {
		t.Error("WithInstanceID: a 429 for one key does not block the other")
	}
}

func TestEachKeyHasABudgetOfItsOwn(t *testing.T) {
	c := newTestClassifier(t)
	seen := map[string]string{}
	for _, key := range []string{"sk_live_one", "sk_live_two", "sk_test_one", "sk_test_two", "live_one", "ak_one", ""} {
		bucket := instanceBucket(t, c, key)
		if other, ok := seen[bucket]; ok {
			t.Errorf("%q and %q share the bucket %q", key, other, bucket)
		}
		seen[bucket] = key
		if again := instanceBucket(t, c, key); again != bucket {
			t.Errorf("%q: bucket %q, then %q", key, bucket, again)
		}
	}
}

func TestDevelopmentAndProductionKeysHaveBudgetsApart(t *testing.T) {
	c := newTestClassifier(t, WithInstanceID("shop"))
	if dev, live := instanceBucket(t, c, devKey), instanceBucket(t, c, liveKey); dev == live {
		t.Errorf("one bucket %q for limits of two sizes", dev)
	}
}

// lines is a log that can be read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

func TestContradictionIsLoggedOnce(t *testing.T) {
	for _, tt := range []struct {
		configured InstanceType
		key        string
		logged     bool
		want       string
	}{
		{Production, devKey, true, development},
		{Development, liveKey, true, development},
		{Production, "test_legacy", true, development},
		{Production, liveKey, false, production},
		{Development, devKey, false, development},
		{Auto, liveKey, false, production},
		{Production, "ak_machine", false, production},
		{Production, "", false, production},
	} {
		t.Run(fmt.Sprintf("%s %.8s", tt.configured, tt.key), func(t *testing.T) {
			log := &lines{}
			c := newTestClassifier(t, WithInstanceType(tt.configured), WithLogger(slog.New(slog.NewTextHandler(log, nil))))
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 100 {
						c.classify(newRequest("GET", backendURL+"/v1/users", tt.key))
						c.classify(newRequest("PATCH", backendURL+"/v1/users/"+aUser, tt.key))
					}
				})
			}
			wg.Wait()
			wantRows(t, c.classify(newRequest("GET", backendURL+"/v1/users", tt.key)), tt.want)
			text := strings.Join(log.all(), "\n")
			if n := strings.Count(text, "contradicts"); n != 1 && tt.logged || n != 0 && !tt.logged {
				t.Errorf("logged %d times, want at most once, and %t:\n%s", n, tt.logged, text)
			}
			if tt.logged && (!strings.Contains(text, "level=WARN") || !strings.Contains(text, "configured="+tt.configured.String())) {
				t.Errorf("log line %q does not say what contradicts", text)
			}
			if tt.key != "" && strings.Contains(text, tt.key) {
				t.Errorf("the key is in the log: %s", text)
			}
		})
	}
}

// A RoundTripper below the throttle may be the one that adds the key, such as an
// oauth2.Transport: nobody would know why a production instance is held to 100.
func TestBackendRequestWithoutAKeyIsWarnedOfOnce(t *testing.T) {
	for _, tt := range []struct {
		opts []Option
		url  string
		want int
	}{
		{nil, backendURL + "/v1/users", 1},
		{nil, "https://api.clerk.com/v1/nothing_known", 1},
		{[]Option{WithInstanceID("shop")}, backendURL + "/v1/users", 1},
		{[]Option{WithHosts("gateway.example.com")}, "https://gateway.example.com/v1/users", 1},
		{[]Option{WithInstanceType(Production)}, backendURL + "/v1/users", 0}, // nothing is in doubt
		{nil, frontendURL + "/v1/client", 0},
		{nil, "https://example.com/v1/users", 0},
	} {
		log := &lines{}
		c := newTestClassifier(t, append(tt.opts, WithLogger(slog.New(slog.NewTextHandler(log, nil))))...)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					c.classify(newRequest("GET", tt.url, ""))
				}
			})
		}
		wg.Wait()
		c.classify(newRequest("GET", backendURL+"/v1/users", devKey))
		if text := strings.Join(log.all(), "\n"); strings.Count(text, "carries no secret key") != tt.want {
			t.Errorf("%s: want %d warnings:\n%s", tt.url, tt.want, text)
		}
	}
}

// A log handler may send a request of its own, through the same throttle.
func TestLogHandlerThatCallsClerkDoesntDeadlock(t *testing.T) {
	var c *classifier
	c = newTestClassifier(t, WithInstanceType(Production), WithLogger(slog.New(slog.NewTextHandler(
		writerFunc(func(p []byte) (int, error) {
			c.classify(newRequest(http.MethodGet, backendURL+"/v1/users", devKey))
			c.classify(newRequest(http.MethodGet, backendURL+"/v1/users", "sk_live_another"))
			return len(p), nil
		}), nil))))
	c.classify(newRequest(http.MethodGet, backendURL+"/v1/users", devKey))
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
