package users

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A hash goes out as a digest with its hasher, or not at all; never as a
// password.
func TestHashIsNeverSentAsAPassword(t *testing.T) {
	for hash, hasher := range map[string]string{ // "": its form does not tell
		bcryptHash: "bcrypt",
		"$2b$10$U4C0ZY8OG8y41F9LusfKyu3HRMBL0rCZcKBVsXhgr.n8Ou6FPhzO2": "bcrypt",
		"$2y$12$9HhLqMJxqBKhlZasxjlhger67GFcC4aOAtpcU.THpcSLiQve4mq6.": "bcrypt",
		argonHash: "argon2id",
		"$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$qw8nq2cHUcCAz": "argon2i",
		"$argon2d$v=19$m=4096,t=3,p=1$c2FsdHNhbHQ$qw8nq2cHUcCAz": "",
		"bcrypt_sha256$$2b$12$hash":                              "bcrypt_sha256_django", "scrypt:32768:8:1$salt$5f4dcc3b": "scrypt_werkzeug",
		"pbkdf2_sha256$600000$salt$GUFzcg=": "", "pbkdf2:sha256:600000$salt$5f4dcc3b": "", "sha1$salt$5f4dcc3b": "", "pbkdf2_sha1$1000$c2FsdA$5f4d": "",
		"$P$B12345678901234567890123456789.": "", "$H$9123456789012345678901234567890": "", "$S$D12345678901234567890": "", "$1$salt$5wdDRs7bVV6m9W8zYTrEv0": "",
		"$5$rounds=5000$salt$hash": "", "$6$salt$hash": "", "$y$j9T$salt$hash": "", "$7$CU..../....salt$hash": "", "$pbkdf2-sha512$1000$salt$hash": "", "$scrypt$ln=16,r=8,p=1$salt$hash": "",
		"{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=": "", "{bcrypt}" + bcryptHash: "", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19": "",
		`{"hash":"x","salt":"y"}`: "", "5f4dcc3b5aa765d61d8327deb882cf99": "", "5F4DCC3B5AA765D61D8327DEB882CF99": "", " 5f4dcc3b5aa765d61d8327deb882cf99\n": "",
		"0x5f4dcc3b5aa765d61d8327deb882cf99": "", `\x5f4dcc3b5aa765d61d8327deb882cf99`: "", "5f4dcc3b5aa765d61d8327deb882cf99:salt": "", "salt1234:5f4dcc3b5aa765d61d8327deb882cf99": "",
		"AQAAAAEAACcQAAAAEJdWS4k0Yv8iYmVkZmVkZmVkZmVkZmVkZmVkZmVkZmVkZmVkZmVkZmVkZmVkZg==": "",
	} {
		for _, from := range []string{Auto, "auth0", "authjs", "betterauth", "clerk", "supabase", Other} {
			row, _ := json.Marshal(map[string]any{"id": "1", "password": hash})
			u, reason, _ := checked(t, Options{From: from}, string(row))
			switch {
			case u != nil && u.Create.Password != nil:
				t.Errorf("%s from %s: sent as a password", hash, from)
			case hasher == "" && (u != nil || !strings.Contains(reason, "password_hasher")):
				t.Errorf("%s from %s: %s %s", hash, from, shown(u), reason)
			case hasher != "" && (u == nil || Value(u.Create.PasswordHasher) != hasher || Value(u.Create.PasswordDigest) != hash):
				t.Errorf("%s from %s: %s %s", hash, from, shown(u), reason)
			}
		}
		row, _ := json.Marshal(map[string]any{"id": "1", "password": hash, "password_hasher": "md5"})
		if u, reason, _ := checked(t, Options{}, string(row)); u == nil || u.Create.Password != nil || Value(u.Create.PasswordDigest) != strings.TrimSpace(hash) || Value(u.Create.PasswordHasher) != "md5" {
			t.Errorf("%s with its hasher: %s %s", hash, shown(u), reason)
		}
	}
}

// Digests of random bytes, in hex and base64, are taken for what they are.
func TestRandomDigestsAreNoPasswords(t *testing.T) {
	for range 500 {
		text := []byte(rand.Text())
		a, b, c, d, e := md5.Sum(text), sha1.Sum(text), sha256.Sum256(text), sha512.Sum384(text), sha512.Sum512(text)
		for _, sum := range [][]byte{a[:], b[:], c[:], d[:], e[:]} {
			for _, s := range []string{hex.EncodeToString(sum), strings.ToUpper(hex.EncodeToString(sum)), base64.StdEncoding.EncodeToString(sum), base64.URLEncoding.EncodeToString(sum)} {
				if !hashes.MatchString(s) {
					t.Fatalf("%s is taken for a password", s)
				}
			}
		}
	}
}

func TestPasswordsAndDigestsAreToldApart(t *testing.T) {
	for row, want := range map[string]string{
		`{"id":"1","password":"correct horse battery staple"}`:                           `{"password":"correct horse battery staple","external_id":"1"}`,
		`{"id":"1","password":" Tr0ub4dor&3 "}`:                                          `{"password":" Tr0ub4dor\u00263 ","external_id":"1"}`,
		`{"id":"1","password":"2024$ummer!"}`:                                            `{"password":"2024$ummer!","external_id":"1"}`,
		`{"id":"1","password":"hunter2","password_hasher":"bcrypt"}`:                     `{"external_id":"1","password_digest":"hunter2","password_hasher":"bcrypt"}`,
		`{"id":"1","password":"","password_hasher":"bcrypt"}`:                            `{"external_id":"1","skip_password_requirement":true}`,
		`{"id":"1","password":null,"password_digest":null}`:                              `{"external_id":"1","skip_password_requirement":true}`,
		`{"id":"1","password":"x","password_digest":"y","password_hasher":"md5"}`:        "a password and a password digest",
		`{"id":"1","password_digest":"0123456789abcdef0123456789abcdef"}`:                "its form does not tell",
		`{"id":"1","password_digest":"abcd","password_salt":"x","passwordHasher":"md5"}`: "salt is in a column of its own",
		`{"localId":"1","passwordHash":"abcd","salt":"x"}`:                               "FIREBASE_SIGNER_KEY",
	} {
		u, reason, _ := checked(t, Options{}, row)
		if got := shown(u); got != want && (u != nil || !strings.Contains(reason, want)) {
			t.Errorf("%s: %s %s, want %s", row, got, reason, want)
		}
	}
	if u, _, _ := checked(t, Options{NoPasswords: true}, fmt.Sprintf(`{"localId":"1","passwordHash":%q,"salt":"x"}`, bcryptHash)); u == nil || u.Create.PasswordDigest != nil {
		t.Errorf("-no-passwords: %s", shown(u))
	}
}

// A preview shows whatever is sent but the secrets.
func TestPreviewShowsNoSecret(t *testing.T) {
	u, _, _ := checked(t, Options{}, `{"id":"1","email":"a@example.com","banned":true,"password":"Tr0ub4dor","totp_secret":"JBSWY3DP","backup_codes":"11111 22222","first_name":"<Ann>"}`)
	p := u.Preview()
	for _, secret := range []string{"Tr0ub4dor", "JBSWY3DP", "11111"} {
		if strings.Contains(p, secret) {
			t.Errorf("%s is shown:\n%s", secret, p)
		}
	}
	for _, want := range []string{`"first_name":"<Ann>"`, "/ban", `POST /email_addresses {"email_address":"a@example.com","verified":false}`} {
		if !strings.Contains(p, want) {
			t.Errorf("%s is not shown:\n%s", want, p)
		}
	}
	if Value(u.Create.Password) != "Tr0ub4dor" {
		t.Error("the user itself has changed")
	}
}
