package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// firstRow reads the first row of a file, as Clerk would be sent it, or the
// reason why not.
func firstRow(t *testing.T, name, content string, flags ...string) (source string, body map[string]any, reason string) {
	t.Helper()
	env := map[string]string{"CLERK_SECRET_KEY": testKey, "FIREBASE_SIGNER_KEY": "c2lnbmVy"}
	o, err := parseOptions(append(flags, write(t, name, content)), func(k string) string { return env[k] }, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	err = readRows(o, func(u row) error {
		if body != nil {
			return nil
		}
		text, err := json.Marshal(u.params())
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &body)
	}, func(e *rowError) error { reason = e.reason; return nil }, func(c *checker) { source = c.source.name })
	if err != nil {
		t.Fatal(err)
	}
	return source, body, reason
}

const bcryptHash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// What the export of each system becomes.
func TestSources(t *testing.T) {
	firebaseRow := "fb1,fay@example.com,true,aGFzaA==,c2FsdA==,Fay Fire," + strings.Repeat(",", 17) + "1610000000000,1620000000000,+15551230000,false,"
	for name, c := range map[string]struct{ file, content, source, want string }{
		"clerk CSV from the dashboard": {"c.csv",
			"id,first_name,last_name,username,primary_email_address,primary_phone_number,verified_email_addresses,unverified_email_addresses,verified_phone_numbers,unverified_phone_numbers,totp_secret,password_digest,password_hasher\n" +
				"user_1,Ann,Lee,ann,z@example.com,+15551230000,a@example.com|z@example.com,,+15551230000,,SECRET," + bcryptHash + ",bcrypt\n",
			"clerk", `{"external_id":"user_1","first_name":"Ann","last_name":"Lee","username":"ann","email_address":["z@example.com","a@example.com"],"phone_number":["+15551230000"],"totp_secret":"SECRET","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt"}`},
		"clerk's create-user fields": {"c.json",
			`[{"id":"x","external_id":"1","email_address":["a@example.com"],"password":"correct horse","skip_password_checks":true,"public_metadata":{"n":12345678901234567890},"created_at":"2024-01-02T03:04:05Z","create_organizations_limit":3}]`,
			"clerk", `{"external_id":"1","email_address":["a@example.com"],"password":"correct horse","skip_password_checks":true,"public_metadata":{"n":12345678901234567890},"created_at":"2024-01-02T03:04:05Z","create_organizations_limit":3}`},
		"other spellings": {"c.csv", "User ID,E-Mail,firstName,Last-Name\n7,a@example.com,Ann,Lee\n",
			"clerk", `{"external_id":"7","first_name":"Ann","last_name":"Lee","email_address":["a@example.com"],"skip_password_requirement":true}`},
		"auth0": {"a.json",
			`{"user_id":"auth0|1","email":"al@example.com","email_verified":true,"name":"al@example.com","given_name":"Al","family_name":"Zero","passwordHash":"` + bcryptHash + `","user_metadata":{"theme":"dark"},"app_metadata":{"plan":"pro"},"created_at":"2024-02-03T04:05:06.789Z","logins_count":4}` + "\n" + `{"user_id":"auth0|2"}`,
			"auth0", `{"external_id":"auth0|1","email_address":["al@example.com"],"first_name":"Al","last_name":"Zero","password_digest":"` + bcryptHash + `","password_hasher":"bcrypt","public_metadata":{"theme":"dark"},"private_metadata":{"plan":"pro"},"created_at":"2024-02-03T04:05:06.789Z"}`},
		"firebase JSON": {"f.json",
			"{\n\"users\": [{\"localId\":\"fb1\",\"email\":\"fay@example.com\",\"emailVerified\":true,\"passwordHash\":\"aGFzaA==\",\"salt\":\"c2FsdA==\",\"displayName\":\"Fay Anne Fire\",\"phoneNumber\":\"+15551230000\",\"createdAt\":\"1610000000000\",\"providerUserInfo\":[]}]}",
			"firebase", `{"external_id":"fb1","email_address":["fay@example.com"],"first_name":"Fay","last_name":"Anne Fire","phone_number":["+15551230000"],"password_digest":"aGFzaA==$c2FsdA==$c2lnbmVy$Bw==$8$14","password_hasher":"scrypt_firebase","created_at":"2021-01-07T06:13:20Z"}`},
		"firebase CSV, no header": {"f.csv", firebaseRow + "\n" + strings.ReplaceAll(strings.ReplaceAll(firebaseRow, "fb1", "fb2"), "fay@", "guy@") + "\n",
			"firebase", `{"external_id":"fb1","email_address":["fay@example.com"],"first_name":"Fay","last_name":"Fire","phone_number":["+15551230000"],"password_digest":"aGFzaA==$c2FsdA==$c2lnbmVy$Bw==$8$14","password_hasher":"scrypt_firebase","created_at":"2021-01-07T06:13:20Z"}`},
		"supabase CSV": {"s.csv",
			"instance_id,id,aud,role,email,encrypted_password,email_confirmed_at,raw_user_meta_data,created_at,phone,phone_confirmed_at\n" +
				`0,5b1c,authenticated,authenticated,su@example.com,` + bcryptHash + `,2024-06-29 20:25:06.126079+00,"{""full_name"":""Su Base""}",2024-06-29 20:25:06.126079+00,15551230000,2024-06-29 20:25:06+00` + "\n",
			"supabase", `{"external_id":"5b1c","email_address":["su@example.com"],"first_name":"Su","last_name":"Base","phone_number":["+15551230000"],"password_digest":"` + bcryptHash + `","password_hasher":"bcrypt","public_metadata":{"full_name":"Su Base"},"created_at":"2024-06-29T20:25:06.126079Z"}`},
	} {
		t.Run(name, func(t *testing.T) {
			source, got, reason := firstRow(t, c.file, c.content)
			var want map[string]any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if source != c.source || !reflect.DeepEqual(got, want) {
				t.Errorf("from %s (%s):\n got %v\nwant %v", source, reason, got, want)
			}
		})
	}
}

// An address that nobody verified must not become one that Clerk vouches for.
func TestUnverifiedAddressesAreNotTrusted(t *testing.T) {
	const auth0 = `[{"user_id":"auth0|1","email":"al@example.com","email_verified":false,"app_metadata":{}}]`
	for flag, want := range map[string]string{"reject": "", "drop": "none", "trust": "al@example.com"} {
		_, body, reason := firstRow(t, "a.json", auth0, "-unverified", flag)
		switch {
		case want == "" && (body != nil || !strings.Contains(reason, "not verified")):
			t.Errorf("%s: %v %q", flag, body, reason)
		case want == "none" && (body == nil || body["email_address"] != nil):
			t.Errorf("%s: %v %q", flag, body, reason)
		case strings.Contains(want, "@") && !reflect.DeepEqual(body["email_address"], []any{want}):
			t.Errorf("%s: %v %q", flag, body, reason)
		}
	}
}

// -map names columns that the importer cannot know, and leaves out others.
func TestMap(t *testing.T) {
	_, body, _ := firstRow(t, "c.csv", "Kundennummer,Mail,first_name\n7,a@example.com,Ann\n", "-map", "Kundennummer=external_id,mail=email_address,first_name=-")
	if want := map[string]any{"external_id": "7", "email_address": []any{"a@example.com"}, "skip_password_requirement": true}; !reflect.DeepEqual(body, want) {
		t.Errorf("%v", body)
	}
}

// A dry run says what would happen and writes the rejects.
func TestDryRun(t *testing.T) {
	input := write(t, "c.csv", csvHeader+"u1,a@example.com,A\nu2,b,B\n")
	status, out := run(t, noClerk{t}, "-dry-run", input)
	if status != exitRejects || !strings.Contains(out, "1 users would be made, 1 rows rejected") || len(rejectsOf(t, input)) != 1 {
		t.Errorf("exit status %d, rejects %v:\n%s", status, rejectsOf(t, input), out)
	}
}
