package flags

import (
	"testing"
	"time"
)

func TestLimitsAreRead(t *testing.T) {
	var l Limit
	if err := l.Set("2000/10s"); err != nil || l.N != 2000 || l.Window != 10*time.Second || l.String() != "2000/10s" {
		t.Errorf("%+v, %v", l, err)
	}
	for _, wrong := range []string{"", "100", "100/", "0/10s", "100/-1s", "x/10s", "100/10"} {
		if err := l.Set(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestURLKeepsKeysOffTheOpenNetwork(t *testing.T) {
	for s, want := range map[string]bool{
		"https://api.clerk.com": true, "https://api.clerk.com/v1": true, "http://127.0.0.1:8787/": true, "http://localhost:1": true, "http://[::1]:1": true,
		"http://api.clerk.com": false, "api.clerk.com": false, "ftp://127.0.0.1": false, "https://me:secret@api.clerk.com": false, "http://127.0.0.1.example.com": false, "": false,
	} {
		var u URL
		if err := u.Set(s); (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}
