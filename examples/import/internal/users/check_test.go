package users

import (
	"strings"
	"testing"
)

// Why a row is no user, and whom it would have been.
func TestRejectionsSayWhyAndWhom(t *testing.T) {
	for name, c := range map[string]struct {
		rows []string
		want string
	}{
		"nobody":                   {[]string{`{"first_name":"Nobody"}`}, "nothing to identify the user by"},
		"an unverified address":    {[]string{`{"email":"a@example.com"}`}, "give it an external_id"},
		"no address":               {[]string{`{"id":"1","email":"nobody"}`}, `email address "nobody" is not valid`},
		"no number":                {[]string{`{"id":"1","phone":"0555"}`}, `phone number "0555" is not in the form`},
		"an id twice":              {[]string{`{"id":"1"}`, `{"id":"1","username":"x"}`}, "duplicate: external_id:1 is on line 2"},
		"an address twice":         {[]string{`{"id":"1","verified_email_address":"a@example.com"}`, `{"id":"2","verified_email_address":"A@example.com"}`}, "duplicate: email_address:a@example.com is on line 2"},
		"an unverified one twice":  {[]string{`{"id":"1","email":"a@example.com"}`, `{"id":"2","email":"a@example.com"}`}, "duplicate: email_address:a@example.com is on line 2"},
		"a thousand addresses":     {[]string{`{"id":"1","emails":"` + strings.Repeat("a@example.com|", 1000) + `"}`}, "1000 values, more than the 100"},
		"a wrong type":             {[]string{`{"id":"1","first_name":{}}`}, `column "first_name": want a string`},
		"no date":                  {[]string{`{"id":"1","created_at":"yesterday"}`}, "want a date"},
		"metadata that is no JSON": {[]string{`{"id":"1","public_metadata":"{"}`}, `column "public_metadata": want a JSON object`},
	} {
		t.Run(name, func(t *testing.T) {
			if u, reason, _ := checked(t, Options{}, c.rows...); u != nil || !strings.Contains(reason, c.want) {
				t.Errorf("%s %s, want %s", shown(u), reason, c.want)
			}
		})
	}
	c, err := NewChecker(Options{From: Auto, Unverified: AddUnverified})
	if err != nil {
		t.Fatal(err)
	}
	_, r := c.Check(7, map[string]any{"created_at": "yesterday", "zzz": "1", "email": "a@example.com", "password": "p"})
	if r == nil || r.User != "email_address:a@example.com" {
		t.Errorf("%+v", r)
	}
}

// -map names columns that the importer cannot know, and leaves out others; what is
// left is listed, if anything is in it.
func TestMapNamesColumns(t *testing.T) {
	u, _, c := checked(t, Options{Map: "Kundennummer=external_id,mail=verified_email_address,first_name=-"},
		`{"Kundennummer":"7","Mail":"a@example.com","first_name":"Ann","shoe size":"42","hat size":"","providers":[]}`)
	if got, want := shown(u), `{"email_address":["a@example.com"],"external_id":"7","skip_password_requirement":true}`; got != want {
		t.Error(got)
	}
	if left := c.LeftOut(); len(left) != 1 || left[0] != "shoe size (1)" {
		t.Error(left)
	}
}

// Whatever a row holds, it becomes a user who can be known again and whose
// secrets are what they seem, or a reason.
func FuzzCheck(f *testing.F) {
	for _, row := range []string{
		`{"id":"1","email":"a@example.com","email_verified":null,"password":"x"}`, `{"_id":{"$oid":{"$oid":1}},"emails":[{"email_address":1},[],null]}`,
		`{"localId":"1","passwordHash":"","salt":"c"}`, `{"public_metadata":"{\\\"a\\\":1}","id":true}`, `{"phone":"1|2","verified_phone_numbers":["+15551230000"],"active":{}}`,
		`{"primary_email_address_id":{},"email_addresses":[{"id":"x"},{"id":{},"email_address":"a@example.com"}],"id":"1"}`,
		`{"id":"1","password":"` + bcryptHash + `"}`, `{"id":"1","passwordHasher":"md5","password":7,"backup_codes":[[]]}`,
	} {
		f.Add(row, "auto")
		f.Add(row, "supabase")
	}
	f.Fuzz(func(t *testing.T, row, from string) {
		c, err := NewChecker(Options{From: from, Unverified: AddUnverified, AssumeVerified: len(row)%2 == 0, Firebase: Firebase{Key: "k"}})
		if err != nil {
			return
		}
		var columns map[string]any
		if decode(row, &columns) != nil {
			return
		}
		u, r := c.Check(1, columns)
		switch {
		case r != nil && r.Reason == "":
			t.Fatal("no reason")
		case r != nil:
		case u.Key == "" || u.Preview() == "" || u.Requests() < 1:
			t.Fatal("a user without a key")
		case hashes.MatchString(Value(u.Create.Password)):
			t.Fatal("a hash as a password")
		case (u.Create.PasswordDigest == nil) != (u.Create.PasswordHasher == nil):
			t.Fatal("a digest without a hasher")
		}
	})
}
