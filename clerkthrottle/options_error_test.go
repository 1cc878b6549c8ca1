package clerkthrottle

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestWrongOptionIsTakenOrPanics(t *testing.T) {
	const second = time.Second
	limit := func(operation string) Option { return WithLimit(operation, 1, second) }
	for name, tt := range map[string]struct {
		opts []Option
		want string // in the error, after "clerkthrottle: "
	}{
		"nil option":    {[]Option{WithMaxWait(0), nil}, "option number 2 is nil"},
		"type too low":  {[]Option{WithInstanceType(-1)}, "WithInstanceType(-1): want Auto, Development or Production"},
		"type too high": {[]Option{WithInstanceType(3)}, "WithInstanceType(3): want"},

		"no id":      {[]Option{WithInstanceID("")}, "WithInstanceID: the name is empty"},
		"secret id":  {[]Option{WithInstanceID(liveKey)}, "WithInstanceID: that is a secret key"},
		"test key":   {[]Option{WithInstanceID("sk_test_x")}, "WithInstanceID: that is a secret key"},
		"bearer id":  {[]Option{WithInstanceID("Bearer " + devKey)}, "WithInstanceID: that is a secret key"},
		"legacy key": {[]Option{WithInstanceID("live_0123456789abcdefghijklmnop")}, "WithInstanceID: that is a secret key"},
		"machine":    {[]Option{WithInstanceID("ak_0123456789abcdefghijklmnop")}, "WithInstanceID: that is a secret key"},

		"wait": {[]Option{WithMaxWait(-time.Millisecond)}, "WithMaxWait(-1ms): must not be negative"},

		"headroom NaN":  {[]Option{WithHeadroom(math.NaN())}, "WithHeadroom(NaN): want 0 ≤ fraction < 1"},
		"headroom Inf":  {[]Option{WithHeadroom(math.Inf(1))}, "WithHeadroom(+Inf): want"},
		"headroom -Inf": {[]Option{WithHeadroom(math.Inf(-1))}, "WithHeadroom(-Inf): want"},
		"headroom < 0":  {[]Option{WithHeadroom(-0.1)}, "WithHeadroom(-0.1): want"},
		"headroom 1":    {[]Option{WithHeadroom(1)}, "WithHeadroom(1): want"},
		"headroom %":    {[]Option{WithHeadroom(20)}, "WithHeadroom(20): want"},

		"n 0":        {[]Option{WithLimit("instance", 0, second)}, `WithLimit("instance", 0, 1s): n must be positive`},
		"n < 0":      {[]Option{WithLimit("instance", -5, second)}, `WithLimit("instance", -5, 1s): n must be positive`},
		"window 0":   {[]Option{WithLimit("instance", 1, 0)}, `WithLimit("instance", 1, 0s): the window must be positive`},
		"window < 0": {[]Option{WithLimit("instance", 1, -second)}, `WithLimit("instance", 1, -1s): the window must be positive`},

		"no operation":    {[]Option{limit("")}, `WithLimit: operation ""`},
		"other name":      {[]Option{limit("Instance")}, `WithLimit: operation "Instance": want "instance" or a method and a path template`},
		"no method":       {[]Option{limit("/v1/users")}, `WithLimit: operation "/v1/users"`},
		"no path":         {[]Option{limit("PATCH")}, `WithLimit: operation "PATCH"`},
		"no slash":        {[]Option{limit("PATCH v1/users")}, `WithLimit: operation "PATCH v1/users"`},
		"unknown method":  {[]Option{limit("FETCH /v1/users")}, `WithLimit: operation "FETCH /v1/users"`},
		"lower case":      {[]Option{limit("patch /v1/users")}, `WithLimit: operation "patch /v1/users"`},
		"two spaces":      {[]Option{limit("PATCH  /v1/users")}, `WithLimit: operation "PATCH  /v1/users"`},
		"URL":             {[]Option{limit("PATCH https://api.clerk.com/v1/users")}, "WithLimit: operation"},
		"query":           {[]Option{limit("GET /v1/users?limit=1")}, `WithLimit: operation "GET /v1/users?limit=1"`},
		"open brace":      {[]Option{limit("PATCH /v1/users/{user_id")}, `WithLimit: operation "PATCH /v1/users/{user_id"`},
		"unnamed":         {[]Option{limit("PATCH /v1/users/{}")}, `WithLimit: operation "PATCH /v1/users/{}"`},
		"empty segment":   {[]Option{limit("PATCH /v1//users")}, `WithLimit: operation "PATCH /v1//users"`},
		"wildcard":        {[]Option{limit("PATCH /v1/users/*")}, `WithLimit: operation "PATCH /v1/users/*"`},
		"param twice":     {[]Option{limit("PATCH /v1/{a}/{a}")}, `WithLimit: operation "PATCH /v1/{a}/{a}"`},
		"too many params": {[]Option{limit("PATCH /v1/{a}/{b}/{c}/{d}/{e}")}, "WithLimit: operation"},

		"nil budget": {[]Option{WithBudget(nil)}, "WithBudget: the budget is nil"},
		"nil logger": {[]Option{WithLogger(nil)}, "WithLogger: the logger is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			rt, err := NewTransport(tt.opts...)
			if err == nil {
				t.Fatal("no error")
			}
			if rt != nil {
				t.Error("a transport besides the error")
			}
			if !strings.HasPrefix(err.Error(), "clerkthrottle: "+tt.want) {
				t.Errorf("error %q, want it to begin with %q", err, "clerkthrottle: "+tt.want)
			}
			for _, key := range []string{liveKey, devKey, "0123456789abcdef"} {
				if strings.Contains(err.Error(), key) {
					t.Errorf("the key is in the error: %s", err)
				}
			}
			if client, again := NewClient(tt.opts...); client != nil || again == nil || again.Error() != err.Error() {
				t.Errorf("NewClient: %v, %v, want the same error", client, again)
			}
		})
	}
}

func TestRightOptionIsRefused(t *testing.T) {
	for name, opt := range map[string]Option{
		"nil base":      WithBase(nil),
		"zero type":     WithInstanceType(Auto),
		"short name":    WithInstanceID("test_app"),
		"word":          WithInstanceID("live_shop"),
		"any name":      WithInstanceID("übung / 1"),
		"wait never":    WithMaxWait(0),
		"wait for ever": WithMaxWait(math.MaxInt64),
		"no headroom":   WithHeadroom(0),
		"most":          WithHeadroom(math.Nextafter(1, 0)),
		"-0":            WithHeadroom(math.Copysign(0, -1)),
		"large":         WithLimit("instance", math.MaxInt, math.MaxInt64),
		"small":         WithLimit("instance", 1, 1),
		"unknown":       WithLimit("POST /v1/brand_new/{thing_id}", 1, time.Second),
		"no /v1":        WithLimit("PATCH /users/{id}", 1, time.Second),
		"slash":         WithLimit("PATCH /v1/users/{id}/", 1, time.Second),
		"root":          WithLimit("GET /", 1, time.Second),
		"/v1":           WithLimit("GET /v1", 1, time.Second),
	} {
		if _, err := NewTransport(opt); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
