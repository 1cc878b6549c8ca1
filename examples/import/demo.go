package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

const (
	demoKey     = "sk_test_import"
	demoLatency = 40 * time.Millisecond // between here and the stand-in, there and back
	// tolerance is how much longer than the shortest possible time an import may
	// take, on Clerk's 10 s window. A token is away for a window and a round trip,
	// so it is the latency's share of the window that is lost.
	tolerance = 0.03
)

// demo imports generated users into a stand-in for Clerk and checks the result.
func demo(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "clerk-import")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.input = filepath.Join(dir, "users.csv")
	o.journal, o.rejects, o.key = o.input+".journal", o.input+".rejects.csv", demoKey
	if err := writeDemoUsers(o.input, o.demoUsers); err != nil {
		return err
	}
	server := clerktest.New(demoLimits(o, clerktest.WithLatency(clerktest.Constant(demoLatency)))...)
	defer server.Close()
	if err := o.url.Set(server.Start() + "/v1"); err != nil {
		return err
	}
	base := newTransport(o.workers())
	defer base.CloseIdleConnections()

	fmt.Fprintf(stderr, "A stand-in for Clerk on loopback keeps to the limit of a development instance.\n")
	s, err := importFile(ctx, o, base, stdout, stderr)
	if err != nil {
		return err
	}
	n, window := o.instanceLimit()
	best := shortest(o.demoUsers, n, window)
	stats := server.Stats()
	count, err := countUsers(ctx, server, demoKey)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n%d users at Clerk, %d requests, %d answered 429; %.1f s, where %.1f s is the shortest possible time (%+.1f %%)\n",
		count, stats.Sent, stats.Rejected, s.took.Seconds(), best.Seconds(), 100*(s.took.Seconds()/best.Seconds()-1))
	switch {
	case count != o.demoUsers, s.made != o.demoUsers:
		return fmt.Errorf("%d users were to be made", o.demoUsers)
	case stats.Rejected > 0:
		return errors.New("there should have been no 429")
	case o.limit.N == 0 && best > 0 && s.took > time.Duration(float64(best)*(1+tolerance)):
		return fmt.Errorf("it took more than %.0f %% longer than it had to", 100*tolerance)
	}
	return nil
}

// demoLimits gives the stand-in the limit that -limit names.
func demoLimits(o *options, opts ...clerktest.Option) []clerktest.Option {
	if o.limit.N == 0 {
		return opts
	}
	return append(opts, clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: o.limit.N, Window: o.limit.Window}))
}

func writeDemoUsers(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "id,primary_email_address,first_name,last_name,created_at")
	for i := range n {
		fmt.Fprintf(w, "legacy_%d,user%d@example.com,Demo,User %d,2024-01-02T03:04:05Z\n", i, i, i)
	}
	return errors.Join(w.Flush(), f.Close())
}

// countUsers asks the stand-in in memory, after everything was counted.
func countUsers(ctx context.Context, server *clerktest.Server, key string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.clerk.com/v1/users/count", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for {
		resp, err := server.RoundTripper().RoundTrip(req)
		if err != nil {
			return 0, err
		}
		var total struct {
			Count int `json:"total_count"`
		}
		err = errors.Join(decode(resp.Body, &total), resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			return total.Count, err
		}
		if err := pause(ctx, time.Second); err != nil { // the import has used up the limit
			return 0, err
		}
	}
}

func decode(r io.Reader, v any) error { return json.NewDecoder(r).Decode(v) }
