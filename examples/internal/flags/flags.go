// Package flags holds the command-line values that several examples have.
package flags

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

// Limit is a flag "N/window" that overrides the limit of an instance; the zero
// value means the documented one.
type Limit struct {
	N      int
	Window time.Duration
}

// String implements [flag.Value].
func (l *Limit) String() string {
	if l.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%s", l.N, l.Window)
}

// Set implements [flag.Value].
func (l *Limit) Set(s string) error {
	n, window, _ := strings.Cut(s, "/")
	var err1, err2 error
	l.N, err1 = strconv.Atoi(n)
	l.Window, err2 = time.ParseDuration(window)
	if err1 != nil || err2 != nil || l.N < 1 || l.Window <= 0 {
		return errors.New("want N/window, such as 2000/10s")
	}
	return nil
}

// Options returns what makes a throttle keep to the limit.
func (l Limit) Options() []clerkthrottle.Option {
	if l.N == 0 {
		return nil
	}
	return []clerkthrottle.Option{clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, l.N, l.Window)}
}

// Of returns the limit of the instance that a secret key belongs to.
func (l Limit) Of(key string) Limit {
	if l.N > 0 {
		return l
	}
	kind := clerkthrottle.Development
	if strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "live_") {
		kind = clerkthrottle.Production
	}
	documented := clerkthrottle.Limits(kind)[0]
	return Limit{documented.N, documented.Window}
}

// URL is a flag for the URL of one of Clerk's APIs. A secret key is sent there,
// so it must be https, unless it is on this machine.
type URL struct{ url.URL }

// Set implements [flag.Value].
func (u *URL) Set(s string) error {
	parsed, err := url.Parse(strings.TrimSuffix(s, "/"))
	switch {
	case err != nil:
		return err
	case parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "":
		return errors.New("want a URL such as https://api.clerk.com")
	case parsed.Scheme != "https" && (parsed.Scheme != "http" || !IsLoopback(parsed.Hostname())):
		return errors.New("want https")
	}
	u.URL = *parsed
	return nil
}

// IsLoopback reports whether a host is this machine, for nobody else to reach.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
