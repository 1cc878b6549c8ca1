package clerkthrottle

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

func TestWrongOptionIsRefusedAtConstruction(t *testing.T) {
	const second = time.Second
	limit := func(operation string) Option { return WithLimit(operation, 1, second) }
	rows := func(rows ...Limit) []Option { return []Option{WithLimits(rows)} }
	users := []string{"GET /v1/users"}
	another, err := NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		opts []Option
		want string // in the error, after "clerkthrottle: "
	}{
		"nil option":    {[]Option{WithMaxWait(0), nil}, "option number 2 is nil"},
		"type too low":  {[]Option{WithInstanceType(-1)}, "WithInstanceType(-1): want Auto, Development or Production"},
		"type too high": {[]Option{WithInstanceType(3)}, "WithInstanceType(3): want"},

		"no id":      {[]Option{WithInstanceID("")}, `WithInstanceID(""): want a non-empty printable name`},
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

		"no operation":   {[]Option{limit("")}, `WithLimit("", 1, 1s): `},
		"other name":     {[]Option{limit("Instance")}, `WithLimit("Instance", 1, 1s): `},
		"no method":      {[]Option{limit("/v1/users")}, `WithLimit("/v1/users", 1, 1s): `},
		"no path":        {[]Option{limit("PATCH")}, `WithLimit("PATCH", 1, 1s): `},
		"no slash":       {[]Option{limit("PATCH v1/users")}, `WithLimit("PATCH v1/users", 1, 1s): `},
		"unknown method": {[]Option{limit("FETCH /v1/users")}, `WithLimit("FETCH /v1/users", 1, 1s): `},
		"lower case":     {[]Option{limit("patch /v1/users")}, `WithLimit("patch /v1/users", 1, 1s): `},
		"two spaces":     {[]Option{limit("PATCH  /v1/users")}, `WithLimit("PATCH  /v1/users", 1, 1s): `},
		"URL":            {[]Option{limit("PATCH https://api.clerk.com/v1/users")}, `WithLimit("PATCH `},
		"query":          {[]Option{limit("GET /v1/users?limit=1")}, `WithLimit("GET /v1/users?limit=1", 1, 1s): `},
		"open brace":     {[]Option{limit("PATCH /v1/users/{user_id")}, `WithLimit("PATCH /v1/users/{user_id", 1, 1s): `},
		"unnamed":        {[]Option{limit("PATCH /v1/users/{}")}, `WithLimit("PATCH /v1/users/{}", 1, 1s): `},
		"empty segment":  {[]Option{limit("PATCH /v1//users")}, `WithLimit("PATCH /v1//users", 1, 1s): `},
		"wildcard":       {[]Option{limit("PATCH /v1/users/*")}, `WithLimit("PATCH /v1/users/*", 1, 1s): `},
		"param twice":    {[]Option{limit("PATCH /v1/{a}/{a}")}, `WithLimit("PATCH /v1/{a}/{a}", 1, 1s): `},

		"host URL":    {[]Option{WithHosts("https://clerk.internal.example")}, `WithHosts("https://clerk.internal.example"): want host names without a scheme`},
		"host port":   {[]Option{WithHosts("gateway.example.com:8443")}, `WithHosts("gateway.example.com:8443"): want`},
		"host path":   {[]Option{WithHosts("gateway.example.com/clerk")}, `WithHosts("gateway.example.com/clerk"): want`},
		"host star":   {[]Option{WithHosts("*.example.com")}, `WithHosts("*.example.com"): want`},
		"second host": {[]Option{WithHosts("a.example", "")}, `WithHosts(""): want`},
		"odd id":      {[]Option{WithInstanceID("a\nb")}, `WithInstanceID("a\nb"): want a non-empty printable name`},

		"rows n":         {rows(Limit{Operations: users, Window: second}), `WithLimits: row 0: "GET /v1/users": N is 0: must be positive`},
		"rows window":    {rows(Limit{Operations: users, N: 1}), `WithLimits: row 0: "GET /v1/users": Window is 0s: must be positive`},
		"rows scope":     {rows(Limit{Operations: users, N: 1, Window: second, Scope: 3}), `WithLimits: row 0: "GET /v1/users": Scope is 3: want`},
		"rows operation": {rows(Limit{Operations: []string{"users"}, N: 1, Window: second}), `WithLimits: row 0: operation "users": want`},
		"rows again":     {append(rows(Limit{Operations: users, N: 1, Window: second}), rows(Limit{Operations: users, N: 1, Window: second}, Limit{Operations: []string{"GET /users"}, N: 1, Window: second})...), `WithLimits: row 1: operation "GET /users": another row has this operation`},
		"rows same name": {rows(Limit{Name: "a", Operations: users, N: 1, Window: second}, Limit{Name: "a", Operations: []string{"GET /v1/jwks"}, N: 1, Window: second}), `WithLimits: row 1: "a": another row has this name`},
		"rows nameless":  {rows(Limit{Name: "all", N: 1, Window: second}), `WithLimits: row 0: "instance": the row of this name, and no other, must have no operations`},
		"rows misnamed":  {rows(Limit{Name: "instance", Operations: users, N: 1, Window: second}), `WithLimits: row 0: "instance": the row of this name`},
		"rows address":   {rows(Limit{Operations: users, N: 1, Window: second, Scope: PerAddress}), `WithLimits: row 0: operation "GET /v1/users": PerAddress is for the Frontend API`},
		"rows frontend":  {rows(Limit{Operations: []string{"POST /v1/client/sign_ins"}, N: 1, Window: second}), `WithLimits: row 0: operation "POST /v1/client/sign_ins": PerAddress is for`},
		"rows resource":  {rows(Limit{Operations: users, N: 1, Window: second, Scope: PerResource}), `WithLimits: row 0: operation "GET /v1/users": PerResource needs a {param}`},

		"answer time":  {[]Option{WithAnswerTimeout(-second)}, "WithAnswerTimeout(-1s): must not be negative"},
		"retries < 0":  {[]Option{WithRetryBudget(-0.1, 1)}, "WithRetryBudget(-0.1, 1): want"},
		"retries 3.5":  {[]Option{WithRetryBudget(3.5, 1)}, "WithRetryBudget(3.5, 1): want"},
		"retries NaN":  {[]Option{WithRetryBudget(math.NaN(), 1)}, "WithRetryBudget(NaN, 1): want"},
		"free retries": {[]Option{WithRetryBudget(0.2, -1)}, "WithRetryBudget(0.2, -1): want"},
		"queue":        {[]Option{WithMaxQueue(0)}, "WithMaxQueue(0): must be positive"},
		"keys":         {[]Option{WithMaxKeys(-1)}, "WithMaxKeys(-1): must be positive"},
		"class":        {[]Option{WithDefaultPriority(2)}, "WithDefaultPriority(2): want Batch, Normal or Interactive"},
		"reserve":      {[]Option{WithReserve(Interactive, 1)}, "WithReserve(Interactive, 1): want 0 ≤ fraction < 1"},
		"batch":        {[]Option{WithReserve(Batch, 0.2)}, "WithReserve(Batch, 0.2): want Interactive or Normal"},
		"reserves":     {[]Option{WithReserve(Normal, 0.5), WithReserve(Interactive, 0.5)}, "WithReserve(Interactive, 0.5): all reserves"},

		"throttle":     {[]Option{WithBase(another)}, "WithBase is or wraps a Transport"},
		"budgets":      {[]Option{WithBudgetOf(another), WithBudget(new(budgettest.Memory))}, "WithBudgetOf and WithBudget are mutually exclusive"},
		"other's rows": {[]Option{WithBudgetOf(another), WithMaxQueue(1)}, "WithBudgetOf: reserves, bounds, retry budget and dry run are the other transport's"},
		"its retries":  {[]Option{WithBudgetOf(another), WithRetryBudget(0, 0)}, "WithBudgetOf: reserves, bounds, retry budget"},

		"nil budget": {[]Option{WithBudget(nil)}, "WithBudget(nil): the budget is nil"},
		"nil logger": {[]Option{WithLogger(nil)}, "WithLogger(nil): the logger is nil"},
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

func TestRightOptionIsTaken(t *testing.T) {
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
		"no rows":       WithLimits(nil),
		"Clerk's rows":  WithLimits(Limits(Production)),
		"no hosts":      WithHosts(),
		"hosts":         WithHosts("Clerk.Internal.example.", "clerk-mock", "192.0.2.1", "2001:db8::1", "bücher.example"),
	} {
		if _, err := NewTransport(opt); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
