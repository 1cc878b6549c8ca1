package users

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// An address is an e-mail address or a phone number.
type address struct {
	value    string
	id       string // in Clerk's own resources
	verified *bool  // nil: nothing was said of it
}

// addresses are all of a kind that a row has, the primary one first.
type addresses struct {
	list []address
	// told: the row lists the verified or the unverified ones, so that an address
	// in neither list is not verified.
	told bool
}

func (a *addresses) values() (values []string) {
	for _, one := range a.list {
		values = append(values, one.value)
	}
	return values
}

var (
	yes = ptr(true)
	no  = ptr(false)
)

func ptr[T any](v T) *T { return &v }

func emails(verified *bool) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error { return d.emails.add(v, "email_address", verified) }
}

func phones(verified *bool) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error { return d.phones.add(v, "phone_number", verified) }
}

// add takes in a column: text, or Clerk's own resources, which know for
// themselves whether they are verified.
func (a *addresses) add(v any, member string, verified *bool) error {
	a.told = a.told || verified != nil
	list, err := toList(v)
	for _, value := range list {
		is, id := verified, ""
		if o, ok := value.(map[string]any); ok {
			value = o[member]
			id, _ = toText(o["id"])
			verification, _ := o["verification"].(map[string]any)
			is = ptr(verified != no && (clearly(o["verified"]) || verification["status"] == "verified"))
		}
		s, bad := toText(value)
		if err = errors.Join(err, bad); s != "" {
			a.put(address{s, id, is})
		}
	}
	return err
}

// put adds an address, or what is said of it. No word that it is not verified is
// undone by another one.
func (a *addresses) put(another address) {
	for i, have := range a.list {
		if strings.EqualFold(have.value, another.value) {
			if have.verified == nil || another.verified != nil && !*another.verified {
				a.list[i].verified = another.verified
			}
			return
		}
	}
	a.list = append(a.list, another)
}

// split decides which addresses are verified. first is what the row says of its
// address, in the singular: where there are several, that is the first, unless
// it says no. primary is the id of the primary one, where it is known by that, and
// otherwise is for those of which nothing is known.
func (a *addresses) split(primary string, first *bool, otherwise bool) (verified, unverified []string) {
	if i := slices.IndexFunc(a.list, func(one address) bool { return one.id != "" && one.id == primary }); i > 0 {
		a.list = slices.Insert(slices.Delete(slices.Clone(a.list), i, i+1), 0, a.list[i])
	}
	for i, address := range a.list {
		is := otherwise
		switch {
		case first != nil && !*first:
			is = false
		case address.verified != nil:
			is = *address.verified
		case first != nil:
			is = i == 0
		case a.told:
			is = false
		}
		if is {
			verified = append(verified, address.value)
		} else {
			unverified = append(unverified, address.value)
		}
	}
	return verified, unverified
}

// Ways to treat addresses that are not verified.
const (
	AddUnverified    = "add"    // to the user, as unverified
	DropUnverified   = "drop"   // leave them out
	RejectUnverified = "reject" // the row
)

// settleAddresses sorts the addresses, and returns what is wrong with them.
func (d *draft) settleAddresses(o *Options, s *source) string {
	otherwise := o.AssumeVerified && !s.tells
	emails, unverifiedEmails := d.emails.split(d.text("primary_email_address_id"), d.emailVerified, otherwise)
	phones, unverifiedPhones := d.phones.split(d.text("primary_phone_number_id"), d.phoneVerified, otherwise || s.phonesVerified)
	for _, e := range slices.Concat(emails, unverifiedEmails) {
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e {
			return fmt.Sprintf("email address %q is not valid", e)
		}
	}
	for _, p := range slices.Concat(phones, unverifiedPhones) {
		if !e164.MatchString(p) {
			return fmt.Sprintf("phone number %q is not in the form +15551234567", p)
		}
	}
	d.Create.EmailAddresses, d.Create.PhoneNumbers = listed(emails), listed(phones)
	switch unverified := slices.Concat(unverifiedEmails, unverifiedPhones); {
	case len(unverified) == 0:
	case o.Unverified == RejectUnverified:
		return fmt.Sprintf("%s is not verified: see -unverified", unverified[0])
	case o.Unverified == AddUnverified:
		d.Unverified = Identifiers(nil, nil, unverifiedEmails, unverifiedPhones)
	}
	return ""
}

var e164 = regexp.MustCompile(`^\+[1-9]\d{5,14}$`)

// listed leaves out what is not there.
func listed(l []string) *[]string {
	if len(l) == 0 {
		return nil
	}
	return &l
}
