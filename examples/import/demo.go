package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
)

// demoLatency is how far away the stand-in is, there and back.
const demoLatency = 40 * time.Millisecond

// demo imports generated users into a stand-in for Clerk and checks the result.
func (p *program) demo(o *options) error {
	dir, err := os.MkdirTemp("", "clerk-import")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var input strings.Builder
	input.WriteString("id,primary_email_address,verified_email_addresses,first_name,last_name,created_at\n")
	for i := range o.demoUsers {
		fmt.Fprintf(&input, "legacy_%d,user%d@example.com,user%d@example.com,Demo,User %d,2024-01-02T03:04:05Z\n", i, i, i, i)
	}
	p.in, o.input, o.journal, o.send.Key = strings.NewReader(input.String()), "-", filepath.Join(dir, "journal"), "sk_test_import"
	settings := []clerktest.Option{clerktest.WithLatency(clerktest.Constant(demoLatency))}
	if limit := o.send.Limit; limit.N > 0 {
		settings = append(settings, clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: limit.N, Window: limit.Window}))
	}
	server := clerktest.New(settings...)
	defer server.Close()
	o.send.URL = server.Start() + "/v1"

	fmt.Fprintf(p.err, "A stand-in for Clerk on loopback keeps to the limit of a development instance.\n")
	start := time.Now()
	if err := p.importFile(o); err != nil {
		return err
	}
	took := time.Since(start)
	best, stats := report.Shortest(o.demoUsers, o.send.Allowance()), server.Stats()
	made := stats.Endpoints["POST /v1/users"].Accepted
	fmt.Fprintf(p.out, "\n%d users at Clerk, %d requests, %d answered 429; %.1f s, where %.1f s is the shortest possible time",
		made, stats.Sent, stats.Rejected, took.Seconds(), best.Seconds())
	if best > 0 {
		fmt.Fprintf(p.out, " (%+.1f %%)", 100*(took.Seconds()/best.Seconds()-1))
	}
	fmt.Fprintln(p.out)
	switch {
	case made != o.demoUsers:
		return fmt.Errorf("%d users were to be made", o.demoUsers)
	case stats.Rejected > 0:
		return errors.New("there should have been no 429")
	}
	return nil
}
