// Package users makes users of the rows of a file, or says why a row is none:
// what its columns mean, which of its addresses were verified, what kind of
// password it has, and whether it may be active. It reads no file and sends
// nothing.
//
// It errs on the safe side. What is not clearly verified is not verified, what
// looks like a hash is no password, and who is not clearly free to come in is
// banned.
package users

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// A User is one user to be made.
type User struct {
	Line   int    // of the row
	Key    string // names the user in the journal: its best identifier
	Create user.CreateParams
	// What a request of its own has to do after the user is made: add addresses
	// that are not verified, since Clerk takes those of Create for verified, and
	// ban.
	Emails, Phones []string
	Ban            bool
}

// Requests is how many requests make the user, if nothing goes wrong.
func (u *User) Requests() int {
	n := 1 + len(u.Emails) + len(u.Phones)
	if u.Ban {
		n++
	}
	return n
}

// Identifiers lists what no two users of an instance may share of what Create
// carries, the best first.
func (u *User) Identifiers() []string {
	var ids []string
	add := func(kind string, values ...string) {
		for _, v := range values {
			if v != "" {
				ids = append(ids, kind+":"+v)
			}
		}
	}
	add("external_id", Text(u.Create.ExternalID))
	for _, e := range List(u.Create.EmailAddresses) {
		add("email_address", strings.ToLower(e))
	}
	add("phone_number", List(u.Create.PhoneNumbers)...)
	add("username", strings.ToLower(Text(u.Create.Username)))
	return ids
}

// Preview shows the requests that make the user, without its secrets.
func (u *User) Preview() string {
	p := u.Create
	for _, secret := range []**string{&p.Password, &p.PasswordDigest, &p.TOTPSecret} {
		if *secret != nil {
			*secret = clerk.String("********")
		}
	}
	if p.BackupCodes != nil {
		p.BackupCodes = &[]string{"********"}
	}
	var b strings.Builder
	body := json.NewEncoder(&b)
	body.SetEscapeHTML(false)
	b.WriteString("POST /users ")
	if err := body.Encode(p); err != nil {
		fmt.Fprintln(&b, err)
	}
	if u.Ban {
		b.WriteString("POST /users/{user_id}/ban\n")
	}
	for _, e := range u.Emails {
		fmt.Fprintf(&b, "POST /email_addresses {\"email_address\":%q,\"verified\":false}\n", e)
	}
	for _, p := range u.Phones {
		fmt.Fprintf(&b, "POST /phone_numbers {\"phone_number\":%q,\"verified\":false}\n", p)
	}
	return b.String()
}

// Text and List read what may be left out.
func Text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// List reads a list that may be left out.
func List(l *[]string) []string {
	if l == nil {
		return nil
	}
	return *l
}
