package users

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const (
	bcryptHash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"
	argonHash  = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b9dWRWJTmaaJObG"
)

// checked checks rows, each a JSON object, as CSV rows are if all of its values
// are strings. It returns what the last one becomes, and why it is none.
func checked(t *testing.T, o Options, rows ...string) (u *User, reason string, c *Checker) {
	t.Helper()
	if o.From == "" {
		o.From = Auto
	}
	if o.Unverified == "" {
		o.Unverified = AddUnverified
	}
	c, err := NewChecker(o)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		var fields map[string]any
		if err := decode(row, &fields); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		var wrong *Rejection
		if u, wrong = c.Check(i+2, fields); wrong != nil {
			reason = wrong.Reason
		}
	}
	return u, reason, c
}

// shown is what is sent for a user, in one line: create's body, and what follows.
func shown(u *User) string {
	if u == nil {
		return "rejected"
	}
	body, _ := json.Marshal(u.Create)
	return strings.TrimSpace(fmt.Sprintf("%s %s", body, strings.Join(append(unverified(u), map[bool]string{true: "banned"}[u.Ban]), " ")))
}

// unverified lists the addresses that are added as such.
func unverified(u *User) (list []string) {
	for _, id := range u.Unverified {
		_, value, _ := strings.Cut(id, ":")
		list = append(list, value)
	}
	return list
}

// What the export of each system becomes, as it would be sent: create's body,
// then the addresses that are added unverified, then whether the user is banned.
func TestExportsBecomeWhatClerkIsSent(t *testing.T) {
	for name, c := range map[string]struct{ row, source, want string }{
		"clerk, the dashboard's CSV": {
			`{"id":"user_1","first_name":"Ann","last_name":"Lee","username":"ann","primary_email_address":"z@example.com","primary_phone_number":"+15551230000","verified_email_addresses":"a@example.com|z@example.com","unverified_email_addresses":"u@example.com","verified_phone_numbers":"+15551230000","unverified_phone_numbers":"","totp_secret":"SECRET","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt"}`,
			"clerk", `{"email_address":["z@example.com","a@example.com"],"phone_number":["+15551230000"],"username":"ann","first_name":"Ann","last_name":"Lee","external_id":"user_1","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt","totp_secret":"SECRET"} u@example.com`},
		"clerk, a primary address that is not verified": {
			`{"id":"user_1","primary_email_address":"z@example.com","verified_email_addresses":"","unverified_email_addresses":"z@example.com","password_digest":"","password_hasher":"bcrypt"}`,
			"clerk", `{"external_id":"user_1","skip_password_requirement":true} z@example.com`},
		"clerk, an older export, which does not tell": {
			`{"id":"user_1","primary_email_address":"z@example.com","email_addresses":["a@example.com","z@example.com"],"phone_numbers":null,"unsafe_metadata":{"a":1},"mfa_enabled":false}`,
			"clerk", `{"external_id":"user_1","unsafe_metadata":{"a":1},"skip_password_requirement":true} z@example.com a@example.com`},
		"clerk, the Backend API": {
			`{"id":"user_1","external_id":"7","primary_email_address_id":"idn_1","email_addresses":[{"id":"idn_0","email_address":"z@example.com","verification":{"status":"verified"}},{"id":"idn_1","email_address":"a@example.com","verification":{"status":"verified"}},{"email_address":"b@example.com","verification":{"status":"unverified"}},{"email_address":"c@example.com","verification":null}],"banned":true,"public_metadata":{"n":12345678901234567890},"created_at":1610000000000}`,
			"clerk", `{"email_address":["a@example.com","z@example.com"],"external_id":"7","public_metadata":{"n":12345678901234567890},"skip_password_requirement":true,"created_at":"2021-01-07T06:13:20Z"} b@example.com c@example.com banned`},
		"clerk's migration script": {
			`{"userId":"1","email":"a@example.com","firstName":"Ann","lastName":"Lee","password":"` + bcryptHash + `","passwordHasher":"bcrypt"}`,
			"other", `{"first_name":"Ann","last_name":"Lee","external_id":"1","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt"} a@example.com`},
		"auth0": {
			`{"user_id":"auth0|1","email":"al@example.com","email_verified":true,"name":"al@example.com","given_name":"Al","family_name":"Zero","passwordHash":"` + bcryptHash + `","user_metadata":{"theme":"dark"},"app_metadata":{"plan":"pro"},"created_at":"2024-02-03T04:05:06.789Z","blocked":true}`,
			"auth0", `{"email_address":["al@example.com"],"first_name":"Al","last_name":"Zero","external_id":"auth0|1","public_metadata":{"theme":"dark"},"private_metadata":{"plan":"pro"},"password_digest":"` + bcryptHash + `","password_hasher":"bcrypt","created_at":"2024-02-03T04:05:06.789Z"} banned`},
		"auth0, with password hashes": {
			`{"_id":{"$oid":"65737651"},"email":"al@example.com","username":"al","email_verified":false,"tenant":"dev","connection":"Username-Password-Authentication","passwordHash":"` + bcryptHash + `","identifiers":[{"type":"email","value":"al@example.com","verified":false}]}`,
			"auth0", `{"username":"al","external_id":"65737651","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt"} al@example.com`},
		"firebase": {
			`{"localId":"fb1","email":"fay@example.com","emailVerified":"true","passwordHash":"aGFzaA==","passwordSalt":"c2FsdA==","displayName":"Fay Anne Fire","phoneNumber":"+15551230000","createdAt":"1610000000000","disabled":"true"}`,
			"firebase", `{"email_address":["fay@example.com"],"phone_number":["+15551230000"],"first_name":"Fay","last_name":"Anne Fire","external_id":"fb1","password_digest":"aGFzaA==$c2FsdA==$c2lnbmVy$Bw==$8$14","password_hasher":"scrypt_firebase","created_at":"2021-01-07T06:13:20Z"} banned`},
		"supabase, CSV": {
			`{"instance_id":"0","id":"5b1c","aud":"authenticated","role":"authenticated","email":"su@example.com","encrypted_password":"` + bcryptHash + `","email_confirmed_at":"2024-06-29 20:25:06.126079+00","raw_user_meta_data":"{\"full_name\":\"Su Base\"}","raw_app_meta_data":"{\\\"provider\\\":\\\"email\\\"}","created_at":"2024-06-29 20:25:06.126079+00","phone":"15551230000","phone_confirmed_at":"","banned_until":"","deleted_at":""}`,
			"supabase", `{"email_address":["su@example.com"],"first_name":"Su","last_name":"Base","external_id":"5b1c","public_metadata":{"full_name":"Su Base"},"private_metadata":{"provider":"email"},"password_digest":"` + bcryptHash + `","password_hasher":"bcrypt","created_at":"2024-06-29T20:25:06.126079Z"} +15551230000`},
		"better auth": {
			`{"user_id":"b1","email":"bea@example.com","email_verified":true,"name":"Bea","password_hash":null,"username":"bea","phone_number":"+15551230000","phone_number_verified":false,"banned":true,"ban_reason":"Spam","role":"user"}`,
			"betterauth", `{"email_address":["bea@example.com"],"username":"bea","first_name":"Bea","external_id":"b1","skip_password_requirement":true} +15551230000 banned`},
		"other spellings": {
			`{"User ID":"7","E-Mail":"a@example.com","Email Verified":"yes","firstName":"Ann","Last-Name":"Lee"}`,
			"other", `{"email_address":["a@example.com"],"first_name":"Ann","last_name":"Lee","external_id":"7","skip_password_requirement":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			u, reason, checker := checked(t, Options{Firebase: Firebase{Key: "c2lnbmVy", Separator: "Bw==", Rounds: 8, MemCost: 14}}, c.row)
			if got := shown(u); got != c.want || checker.Source() != c.source {
				t.Errorf("from %s (%s):\n got %s\nwant %s", checker.Source(), reason, got, c.want)
			}
		})
	}
}

// What is not clearly verified never reaches Clerk as verified, whatever the file
// says instead.
func TestUnverifiedNeverBecomesVerified(t *testing.T) {
	for value, want := range map[string]bool{
		`true`: true, `"true"`: true, `"TRUE"`: true, `"1"`: true, `1`: true, `"yes"`: true, `"2024-01-02T03:04:05.000Z"`: true, `"2024-01-02 03:04:05+00"`: true, `"2024-01-02"`: true,
		`1704164645000`: true, `{"$date":"2024-01-02T03:04:05Z"}`: true,
		`null`: false, `""`: false, `false`: false, `"false"`: false, `"0"`: false, `0`: false, `"no"`: false, `"null"`: false, `"pending"`: false, `"unverified"`: false, `[]`: false, `{}`: false,
		`"0001-01-01T00:00:00Z"`: false, `"1970-01-01T00:00:00Z"`: false, `"9999-12-31T00:00:00Z"`: false, `"0000-00-00 00:00:00"`: false, `"NULL"`: false, `" "`: false,
	} {
		for _, from := range []string{Auto, "auth0", "authjs", "betterauth", "clerk", "firebase", "supabase", Other} {
			for _, column := range []string{"email_verified", "emailVerified", "email_verified_at"} {
				row := fmt.Sprintf(`{"id":"1","email":"a@example.com",%q:%s}`, column, value)
				for _, assume := range []bool{false, true} {
					u, reason, _ := checked(t, Options{From: from, AssumeVerified: assume}, row)
					if u == nil || (len(Value(u.Create.EmailAddresses)) == 1) != want || (len(u.Unverified) == 0) != want {
						t.Errorf("%s from %s, verified if unknown: %v: %s %s", row, from, assume, shown(u), reason)
					}
				}
			}
		}
	}
	// A file that says nothing of it, or a source that always would.
	const silent = `{"id":"1","email":"a@example.com","phone":"+15551230000"}`
	for from, sure := range map[string]bool{"clerk": false, Other: false, Auto: false, "auth0": true, "authjs": true, "betterauth": true, "supabase": true} {
		if u, _, _ := checked(t, Options{From: from}, silent); len(u.Unverified) != 2 {
			t.Errorf("from %s: %s", from, shown(u))
		}
		if u, _, _ := checked(t, Options{From: from, AssumeVerified: true}, silent); (len(u.Unverified) == 2) != sure {
			t.Errorf("from %s, verified if unknown: %s", from, shown(u))
		}
	}
	// One flag for several addresses is about the first.
	if u, _, _ := checked(t, Options{}, `{"id":"1","emails":"a@example.com|b@example.com","email_verified":"true"}`); len(u.Unverified) != 1 || u.Unverified[0] != "email_address:b@example.com" {
		t.Error(shown(u))
	}
}

func TestUnverifiedAddressesAreAddedDroppedOrRejected(t *testing.T) {
	const row = `{"id":"1","email":"a@example.com","email_verified":false}`
	for how, want := range map[string]string{
		AddUnverified:    `{"external_id":"1","skip_password_requirement":true} a@example.com`,
		DropUnverified:   `{"external_id":"1","skip_password_requirement":true}`,
		RejectUnverified: "rejected",
	} {
		if u, reason, _ := checked(t, Options{Unverified: how}, row); shown(u) != want || (u == nil) != strings.Contains(reason, "a@example.com is not verified") {
			t.Errorf("%s: %s %s", how, shown(u), reason)
		}
	}
}

// Whoever is not clearly free to come in is banned.
func TestBannedIsNeverActive(t *testing.T) {
	for column, values := range map[string][2]string{ // those who are banned, those who are not
		"banned":        {`true "true" "TRUE" "1" 1 "yes" "2024-01-02T03:04:05Z" "maybe" [1] {"by":"x"}`, `false "false" "" null 0 "0" "no" "f"`},
		"blocked":       {`true "x"`, `false ""`},
		"disabled":      {`true "true"`, `false ""`},
		"is_suspended":  {`true`, `false`},
		"suspended_at":  {`"2024-01-02"`, `null ""`},
		"banned_until":  {`"9999-12-31T00:00:00Z" "infinity"`, `"2020-01-02T03:04:05Z" "" null`},
		"is_active":     {`false "false" 0 "no" "gone"`, `true "1" "" null`},
		"status":        {`"banned" "Blocked" "suspended" {}`, `"active" "vip" "" null`},
		"accountStatus": {`"disabled"`, `"ok"`},
	} {
		for i, list := range values {
			for value := range strings.FieldsSeq(list) {
				u, reason, _ := checked(t, Options{}, fmt.Sprintf(`{"id":"1",%q:%s}`, column, value))
				if u == nil || u.Ban != (i == 0) {
					t.Errorf("%s %s: %s %s", column, value, shown(u), reason)
				}
			}
		}
	}
	if u, reason, _ := checked(t, Options{}, `{"id":"1","deleted_at":"2024-01-02"}`); u != nil || reason != "the user was deleted" {
		t.Errorf("%s %s", shown(u), reason)
	}
}
