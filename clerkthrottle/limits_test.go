package clerkthrottle

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// documented is the table of Clerk's page "System limits" of 2026-08-21, typed
// in from the documentation a second time: a slip in limits.go shows here. %s
// stands for the instance's size.
const documented = `
%s/10s instance:

100/1h0m0s instance: POST /v1/invitations
25/1h0m0s instance: POST /v1/invitations/bulk
250/1h0m0s instance: POST /v1/organizations/{organization_id}/invitations
50/1h0m0s instance: POST /v1/organizations/{organization_id}/invitations/bulk

10/10s resource: PATCH /v1/users/{user_id}, PATCH /v1/users/{user_id}/metadata, PUT /v1/users/{user_id}/metadata
10/10s resource: PATCH /v1/organizations/{organization_id}, PATCH /v1/organizations/{organization_id}/metadata, PUT /v1/organizations/{organization_id}/metadata
10/10s resource: PATCH /v1/organizations/{organization_id}/memberships/{user_id}, PATCH /v1/organizations/{organization_id}/memberships/{user_id}/metadata

5/10s address: POST /v1/client/sign_ins, POST /v1/sign_ins
5/10s address: POST /v1/client/sign_ups, POST /v1/sign_ups
3/10s address: POST /v1/client/sign_ins/{sign_in_id}/attempt_first_factor, POST /v1/client/sign_ins/{sign_in_id}/attempt_second_factor, POST /v1/sign_ins/attempt_first_factor, POST /v1/sign_ins/attempt_second_factor
3/10s address: POST /v1/client/sign_ups/{sign_up_id}/attempt_verification, POST /v1/sign_ups/attempt_verification
`

func TestTableIsTheDocumentations(t *testing.T) {
	for kind, size := range map[InstanceType]string{Auto: "100", Development: "100", Production: "1000"} {
		var want []string
		for line := range strings.Lines(fmt.Sprintf(documented, size)) {
			if line = strings.TrimSpace(line); line != "" {
				want = append(want, line)
			}
		}
		var got []string
		for _, l := range Limits(kind) {
			row := fmt.Sprintf("%d/%s %s: %s", l.N, l.Window, l.Scope, strings.Join(l.Operations, ", "))
			got = append(got, strings.TrimSpace(row))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", kind, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestRowIsNamedAfterItsFirstOperation(t *testing.T) {
	for i, l := range Limits(Production) {
		want := "instance"
		if i > 0 {
			want = l.Operations[0]
		}
		if l.Name != want {
			t.Errorf("row %d is named %q, want %q", i, l.Name, want)
		}
	}
}

func TestCallerOfLimitsCannotChangeTheTable(t *testing.T) {
	for _, l := range Limits(Development) {
		if l.Operations != nil {
			l.Operations[0] = "GET /v1/changed"
		}
	}
	Limits(Development)[0].N = 7
	if l := Limits(Development); l[0].N != 100 || l[1].Operations[0] != "POST /v1/invitations" {
		t.Errorf("the table is now %v", l[:2])
	}
}

func TestTableIsDated(t *testing.T) {
	if d, err := time.Parse(time.DateOnly, LimitsDate); err != nil || d.Before(time.Date(2026, 8, 21, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("LimitsDate = %q, want the day of the documentation that was read", LimitsDate)
	}
}

func TestScopesAndTypesHaveNames(t *testing.T) {
	for s, want := range map[Scope]string{PerInstance: "instance", PerResource: "resource", PerAddress: "address", 9: "unknown scope"} {
		if s.String() != want {
			t.Errorf("Scope(%d) = %q, want %q", int(s), s, want)
		}
	}
	for k, want := range map[InstanceType]string{Auto: "auto", Development: "development", Production: "production", 9: "InstanceType(9)"} {
		if k.String() != want {
			t.Errorf("InstanceType(%d) = %q, want %q", int(k), k, want)
		}
	}
}
