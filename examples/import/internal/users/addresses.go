package users

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// kinds are the kinds of addresses, by their fields, and how to tell one.
var kinds = []struct {
	field string
	valid func(string) bool
	wrong string // format
}{
	{"email_address", func(s string) bool { a, err := mail.ParseAddress(s); return err == nil && a.Address == s }, "email address %q is not valid"},
	{"phone_number", regexp.MustCompile(`^\+[1-9]\d{5,14}$`).MatchString, "phone number %q is not in the form +15551234567"},
}

// addresses are all of a kind that a row has, the primary one first.
type addresses struct {
	list []*oneAddress
	// told: the row lists the verified or the unverified ones, so that an address
	// in neither list is not verified.
	told bool
	// first is what the row says of its address, in the singular; nil: nothing.
	first *bool
}

type oneAddress struct {
	value    string
	id       string // in Clerk's own resources
	verified *bool  // nil: nothing was said of it
}

var (
	yes = ptr(true)
	no  = ptr(false)
)

func ptr[T any](v T) *T { return &v }

// said takes what a column says of the row's address. An empty one says no. Two
// that disagree, too.
func said(kind string) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error {
		a := d.addresses[kind]
		a.first = ptr(clearly(v) && (a.first == nil || *a.first))
		return nil
	}
}

// address takes in a column: text, or Clerk's own resources, which know for
// themselves whether they are verified.
func address(kind string, verified *bool) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error {
		a := d.addresses[kind]
		a.told = a.told || verified != nil
		list, err := toList(v)
		for _, value := range list {
			is, id := verified, ""
			if o, ok := value.(map[string]any); ok {
				value = o[kind]
				id, _ = toText(o["id"])
				verification, _ := o["verification"].(map[string]any)
				is = ptr(verified != no && (clearly(o["verified"]) || verification["status"] == "verified"))
			}
			s, bad := toText(value)
			if err = errors.Join(err, bad); s != "" {
				a.put(&oneAddress{s, id, is})
			}
		}
		return err
	}
}

// put adds an address, or what is said of it. No word that it is not verified is
// undone by another one.
func (a *addresses) put(another *oneAddress) {
	for _, have := range a.list {
		if strings.EqualFold(have.value, another.value) {
			if have.verified == nil || another.verified != nil && !*another.verified {
				have.verified = another.verified
			}
			return
		}
	}
	a.list = append(a.list, another)
}

// split decides which addresses are verified. What the row says of its address,
// in the singular, is about the first where there are several, unless it is no.
// primary is the id of the primary one, where it is known by that, and otherwise
// is for those of which nothing is known.
func (a *addresses) split(primary string, otherwise bool) (verified, unverified []string) {
	if i := slices.IndexFunc(a.list, func(one *oneAddress) bool { return one.id != "" && one.id == primary }); i > 0 {
		a.list = slices.Insert(slices.Delete(slices.Clone(a.list), i, i+1), 0, a.list[i])
	}
	for i, one := range a.list {
		is := otherwise
		switch {
		case a.first != nil && !*a.first:
			is = false
		case one.verified != nil:
			is = *one.verified
		case a.first != nil:
			is = i == 0
		case a.told:
			is = false
		}
		if is {
			verified = append(verified, one.value)
		} else {
			unverified = append(unverified, one.value)
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
	for _, kind := range kinds {
		otherwise := o.AssumeVerified && !s.tells || kind.field == "phone_number" && s.phonesVerified
		verified, unverified := d.addresses[kind.field].split(d.text("primary_"+kind.field+"_id"), otherwise)
		for _, value := range slices.Concat(verified, unverified) {
			if !kind.valid(value) {
				return fmt.Sprintf(kind.wrong, value)
			}
		}
		if len(verified) > 0 {
			d.values[kind.field] = verified
		}
		switch {
		case len(unverified) == 0:
		case o.Unverified == RejectUnverified:
			return fmt.Sprintf("%s is not verified: see -unverified", unverified[0])
		case o.Unverified == AddUnverified:
			d.unverified = append(d.unverified, identifiers(kind.field, unverified...)...)
		}
	}
	return ""
}
