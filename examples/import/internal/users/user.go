// Package users turns the rows of a file into users, or says why it cannot. It
// knows what columns mean, which addresses were verified, what kind of password a
// row has, and who is banned. It reads no file and sends nothing.
//
// It errs on the safe side. What is not clearly verified is not verified, what
// looks like a hash is not a password, and whoever is not clearly allowed in is
// banned.
package users

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// A User is one user to be made.
type User struct {
	Line   int    // of the row
	Key    string // names the user in the journal: its best identifier
	Create user.CreateParams
	// What requests of their own have to do after the user is made: add the
	// identifiers that are not verified, since Clerk takes those of Create for
	// verified, and ban.
	Unverified []string
	Ban        bool
}

// Requests is how many requests make the user, if nothing goes wrong.
func (u *User) Requests() int {
	n := 1 + len(u.Unverified)
	if u.Ban {
		n++
	}
	return n
}

// Identifiers lists what no two users of an instance may share, the best first:
// each as its kind, a colon, and its value, in which only that of an external id
// has capital letters.
func Identifiers(externalID, username *string, emails, phones []string) (ids []string) {
	if id := Value(externalID); id != "" {
		ids = append(ids, "external_id:"+id)
	}
	return slices.Concat(ids, identifiers("email_address", emails...), identifiers("phone_number", phones...), identifiers("username", Value(username)))
}

func identifiers(kind string, values ...string) (ids []string) {
	for _, v := range values {
		if v != "" {
			ids = append(ids, kind+":"+strings.ToLower(v))
		}
	}
	return ids
}

// Identifiers are those that Create carries.
func (u *User) Identifiers() []string {
	return Identifiers(u.Create.ExternalID, u.Create.Username, Value(u.Create.EmailAddresses), Value(u.Create.PhoneNumbers))
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
	var b bytes.Buffer
	b.WriteString("POST /users ")
	body := json.NewEncoder(&b)
	body.SetEscapeHTML(false)
	_ = body.Encode(p) // our own types, to memory
	if u.Ban {
		b.WriteString("POST /users/{user_id}/ban\n")
	}
	for _, id := range u.Unverified {
		kind, value, _ := strings.Cut(id, ":")
		fmt.Fprintf(&b, "POST /%s {%q:%q,\"verified\":false}\n", map[string]string{"email_address": "email_addresses", "phone_number": "phone_numbers"}[kind], kind, value)
	}
	return b.String()
}

// Value is what a pointer of the SDK's points to, or nothing.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
