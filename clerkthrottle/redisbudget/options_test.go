package redisbudget

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// The error names an invalid option and its value.
func TestOptionsAreChecked(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{})
	defer func() { _ = rdb.Close() }()
	for want, opt := range map[string]Option{
		"option number 1 is nil":                         nil,
		"WithName: the name is empty":                    WithName(""),
		`WithName("a{b}"): braces`:                       WithName("a{b}"),
		"WithName: that is a secret key":                 WithName("sk_live_1"),
		`WithPrefix("{x"): braces`:                       WithPrefix("{x"),
		"WithInFlightBound(1ms): want":                   WithInFlightBound(time.Millisecond),
		"WithTimeout(1m0s): want":                        WithTimeout(time.Minute),
		"WithLogger(nil): the logger is nil; to log not": WithLogger(nil),
	} {
		if _, err := New(rdb, opt); err == nil || !strings.Contains(err.Error(), "redisbudget: "+want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := New(nil); err == nil {
		t.Error("New accepts a nil client")
	}
	b, err := New(rdb, WithName("n"), WithPrefix("p"))
	if err != nil {
		t.Fatal(err)
	}
	if key := b.limitKey("sk_live_secret"); !strings.HasPrefix(key, "p:{n}:limit:") || strings.Contains(key, "secret") {
		t.Errorf("key %q", key)
	}
}
