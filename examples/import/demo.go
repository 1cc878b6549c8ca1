package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
)

const (
	demoKey     = "sk_test_import"
	demoLatency = 40 * time.Millisecond // between here and the stand-in, there and back
	// An import may take so much longer than the shortest possible time. A token is
	// away for a window and a round trip, so it is the latency's share of Clerk's
	// 10 s that is lost; the slack is for the beginning and the end.
	tolerance, slack = 0.03, 2 * time.Second
)

// demo imports generated users into a stand-in for Clerk and checks the result.
func (p *program) demo(ctx context.Context, o *options) error {
	dir, err := os.MkdirTemp("", "clerk-import")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.input = filepath.Join(dir, "users.csv")
	o.journal, o.rejects, o.send.Key = o.input+".journal", o.input+".rejects.csv", demoKey
	if err := writeDemoUsers(o.input, o.demoUsers); err != nil {
		return err
	}
	server := clerktest.New(demoLimits(o), clerktest.WithLatency(clerktest.Constant(demoLatency)))
	defer server.Close()
	o.send.URL = server.Start() + "/v1"

	fmt.Fprintf(p.err, "A stand-in for Clerk on loopback keeps to the limit of a development instance.\n")
	s, err := p.importFile(ctx, o)
	if err != nil {
		return err
	}
	n, window := o.send.Allowance()
	best, stats := report.Shortest(o.demoUsers, n, window), server.Stats()
	made := stats.Endpoints["POST /v1/users"].Accepted
	fmt.Fprintf(p.out, "\n%d users at Clerk, %d requests, %d answered 429; %.1f s, where %.1f s is the shortest possible time",
		made, stats.Sent, stats.Rejected, s.took.Seconds(), best.Seconds())
	if best > 0 {
		fmt.Fprintf(p.out, " (%+.1f %%)", 100*(s.took.Seconds()/best.Seconds()-1))
	}
	fmt.Fprintln(p.out)
	switch {
	case made != o.demoUsers, s.made != o.demoUsers:
		return fmt.Errorf("%d users were to be made", o.demoUsers)
	case stats.Rejected > 0:
		return errors.New("there should have been no 429")
	case o.limit.N == 0 && s.took > time.Duration(float64(best)*(1+tolerance))+slack:
		return fmt.Errorf("it took more than %.0f %% and %s longer than it had to", 100*tolerance, slack)
	}
	return nil
}

// demoLimits gives the stand-in the limit that -limit names.
func demoLimits(o *options) clerktest.Option {
	if o.limit.N == 0 {
		return nil
	}
	return clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: o.limit.N, Window: o.limit.Window})
}

func writeDemoUsers(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "id,primary_email_address,verified_email_addresses,first_name,last_name,created_at")
	for i := range n {
		fmt.Fprintf(w, "legacy_%d,user%d@example.com,user%d@example.com,Demo,User %d,2024-01-02T03:04:05Z\n", i, i, i, i)
	}
	return errors.Join(w.Flush(), f.Close())
}
