package route

import (
	"strings"
	"testing"
)

func TestFoldKeepsWordsAndNoIDs(t *testing.T) {
	long := strings.Repeat("a_word", 5) + "_s" // 32 bytes
	tests := []struct{ path, want string }{
		{"", "/"},
		{"/", "/"},
		{"///", "/"},
		{"/v1/users", "/v1/users"},
		{"v1/users", "/v1/users"},
		{"//v1//users/", "/v1/users"},
		{"/v1/users?limit=10", "/v1/users"},
		{"/v1/users#top/x", "/v1/users"},
		{"?a=/b", "/"},

		// Words.
		{"/webhooks/svix", "/webhooks/svix"},
		{"/.well-known/apple-app-site-association", "/.well-known/apple-app-site-association"},
		{"/__clerk/v1/sign_ins", "/__clerk/v1/sign_ins"},
		{"/m2m_tokens/web3_wallets/v12", "/m2m_tokens/web3_wallets/v12"},
		{"/decade_faced.facade_added", "/decade_faced.facade_added"}, // hexadecimal, but not in a row
		{"/" + long, "/" + long},

		// Ids.
		{"/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC", "/users/{id}"},
		{"/users/user_2nneql2nrirdj194", "/users/{id}"},
		{"/users/user_2abc", "/users/{id}"},
		{"/users/42", "/users/{id}"},
		{"/users/1", "/users/{id}"},
		{"/users/-1", "/users/{id}"},
		{"/things/123e4567-e89b-12d3-a456-426614174000", "/things/{id}"},
		{"/things/deadbeef-dead-beef-dead-beefdeadbeef", "/things/{id}"},
		{"/things/aaaaaaaabbbbbbbb", "/things/{id}"},
		{"/things/x_aaaaaaaabbbbbbbb", "/things/{id}"},
		{"/things/aaaaaaaabbbbbbb", "/things/aaaaaaaabbbbbbb"},
		{"/things/ab12cd34", "/things/{id}"},
		{"/things/ab12c", "/things/{id}"},
		{"/Users", "/{id}"},
		{"/users/a@b.c", "/users/{id}"},
		{"/users/a%20b", "/users/{id}"},
		{"/users/a b", "/users/{id}"},
		{"/users/é", "/users/{id}"},
		{"/users/\xff", "/users/{id}"},
		{"/users/\x00", "/users/{id}"},
		{"/users/sk_test_abc$def", "/users/{id}"},
		{"/" + long + "s", "/{id}"},
		{"/a/../b/./c", "/a/{id}/b/{id}/c"},
		{"/users/{user_id}/{id}", "/users/{id}/{id}"},

		// Many segments.
		{"/a/b/c/d/e/f/g/h", "/a/b/c/d/e/f/g/h"},
		{"/a/b/c/d/e/f/g/h//", "/a/b/c/d/e/f/g/h"},
		{"/a/b/c/d/e/f/g/h/i", "/a/b/c/d/e/f/g/h/{rest}"},
		{"/a/b/c/d/e/f/g/h/1/2/3", "/a/b/c/d/e/f/g/h/{rest}"},
	}
	for _, tt := range tests {
		got := Fold(tt.path)
		if got != tt.want {
			t.Errorf("Fold(%q) = %q, want %q", tt.path, got, tt.want)
		}
		if again := Fold(got); again != got {
			t.Errorf("Fold(%q) = %q, then %q", tt.path, got, again)
		}
	}
}

func TestFoldReachesItsBound(t *testing.T) {
	longest := strings.Repeat("/"+strings.Repeat("w", 32), 9)
	if got := len(Fold(longest)); got != MaxFold {
		t.Errorf("the longest result has %d bytes, want MaxFold = %d", got, MaxFold)
	}
}

// A path from a stranger must neither cost memory nor pass into a name.
func TestFoldOfHugePathIsShort(t *testing.T) {
	for _, unit := range []string{"a", "/", "/a", "/A", "%", "/../"} {
		if got := Fold(strings.Repeat(unit, 1<<20)); len(got) > MaxFold {
			t.Errorf("Fold of 1 Mi times %q has %d bytes, more than %d", unit, len(got), MaxFold)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, path := range []string{
		"", "/", "//a//", "/v1/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC/metadata?x=/y", "/{id}/{rest}",
		"/1/2/3/4/5/6/7/8/9/10", "/a/b/c/d/e/f/g/h/{rest}", "/é/%/@/\x00", "/deadbeefdeadbeef/m2m/web3/a12345",
	} {
		f.Add(path)
	}
	const word = "abcdefghijklmnopqrstuvwxyz0123456789-_."
	f.Fuzz(func(t *testing.T, path string) {
		got := Fold(path)
		if again := Fold(got); again != got {
			t.Errorf("Fold(%q) = %q, then %q", path, got, again)
		}
		if len(got) > MaxFold {
			t.Errorf("Fold(%q) has %d bytes, more than %d", path, len(got), MaxFold)
		}
		if got == "/" {
			return
		}
		segments := strings.Split(got, "/")
		if segments[0] != "" || len(segments) > 10 {
			t.Errorf("Fold(%q) = %q: %d segments", path, got, len(segments)-1)
		}
		for i, s := range segments[1:] {
			switch {
			case s == "{id}", s == "{rest}" && i == 8:
			case s == "", len(s) > 32, strings.Trim(s, word) != "", strings.Trim(s, "0123456789-_.") == "":
				t.Errorf("Fold(%q) = %q: %q is no word", path, got, s)
			}
			if _, id, ok := strings.Cut(s, "_"); ok && len(id) >= 10 && id[0] <= '9' && id[0] >= '0' {
				t.Errorf("Fold(%q) = %q: %q is an id", path, got, s)
			}
		}
	})
}
