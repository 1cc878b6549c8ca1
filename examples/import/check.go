package main

import (
	"fmt"
	"hash/maphash"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// A checker turns records into rows and says what is wrong with those that are
// none. It remembers every identifier, to find the ones that come twice.
type checker struct {
	opts    *options
	source  *source // nil until the first record, if it is to be found out
	mapping map[string]string
	seen    map[uint64]int // hash of an identifier → line
	seed    maphash.Seed
	unknown map[string]bool // columns that are not imported
}

func newChecker(o *options) (*checker, error) {
	c := &checker{opts: o, seen: map[uint64]int{}, seed: maphash.MakeSeed(), unknown: map[string]bool{}}
	var err error
	if o.from != auto {
		if c.source, err = sourceNamed(o.from); err != nil {
			return nil, err
		}
	}
	c.mapping, err = parseMapping(o.mapping)
	return c, err
}

// check makes the row of a record.
func (c *checker) check(r record) (row, error) {
	if c.source == nil {
		c.source = sourceOf(r.fields)
	}
	u := row{line: r.line}
	if reason := c.fill(&u.draft, r.fields); reason != "" {
		return row{}, &rowError{r.line, reason}
	}
	if reason := c.source.finish(&u.draft, c.opts); reason != "" {
		return row{}, &rowError{r.line, reason}
	}
	u.splitName()
	if reason := u.settle(c.opts); reason != "" {
		return row{}, &rowError{r.line, reason}
	}
	ids := u.identifiers()
	if len(ids) == 0 {
		return row{}, &rowError{r.line, "no external id, email address, phone number, username or wallet: nothing to know the user by"}
	}
	for _, id := range ids {
		if other, ok := c.seen[maphash.String(c.seed, id)]; ok {
			return row{}, &rowError{r.line, fmt.Sprintf("duplicate: %s is on line %d already", id, other)}
		}
	}
	for _, id := range ids {
		c.seen[maphash.String(c.seed, id)] = r.line
	}
	u.key = ids[0]
	return u, nil
}

// fill goes through the columns in an order that does not change, so that the
// same file always gives the same users.
func (c *checker) fill(d *draft, values map[string]any) string {
	for _, column := range sorted(values) {
		field := c.fieldOf(column)
		switch field {
		case ignored:
			continue
		case "":
			c.unknown[column] = true
			continue
		}
		if err := fields[field](d, values[column]); err != nil {
			return fmt.Sprintf("column %q: %v", column, err)
		}
	}
	return ""
}

// fieldOf tells what a column means: as -map says, as the source says, or as it
// is called.
func (c *checker) fieldOf(column string) string {
	name := plain(column)
	if field, ok := c.mapping[name]; ok {
		return field
	}
	if field, ok := c.source.columns[name]; ok {
		return field
	}
	if _, ok := fields[name]; ok {
		return name
	}
	return ""
}

// sorted puts primary columns first, since the first of several addresses is
// the primary one, and the id of a user before its external id, which wins.
func sorted(values map[string]any) []string {
	var columns []string
	for column := range values {
		columns = append(columns, column)
	}
	rank := func(column string) int {
		switch name := plain(column); {
		case strings.HasPrefix(name, "primary_"):
			return 0
		case name == "external_id":
			return 2
		}
		return 1
	}
	slices.SortFunc(columns, func(a, b string) int {
		if ra, rb := rank(a), rank(b); ra != rb {
			return ra - rb
		}
		return strings.Compare(a, b)
	})
	return columns
}

// splitName takes a full name apart where that is all there is.
func (d *draft) splitName() {
	if d.firstName != "" || d.lastName != "" {
		return
	}
	if parts := strings.Fields(d.displayName); len(parts) > 1 {
		d.firstName, d.lastName = parts[0], strings.Join(parts[1:], " ")
	} else if len(parts) == 1 {
		d.firstName = parts[0]
	}
}

var e164 = regexp.MustCompile(`^\+[1-9]\d{5,14}$`)

// settle decides about what is not verified and what passwords need, and checks
// the identifiers. It returns what is wrong.
func (d *draft) settle(o *options) string {
	if d.emailVerified != nil && !*d.emailVerified {
		d.unverifiedEmails, d.emails = append(d.emails, d.unverifiedEmails...), nil
	}
	if d.phoneVerified != nil && !*d.phoneVerified {
		d.unverifiedPhones, d.phones = append(d.phones, d.unverifiedPhones...), nil
	}
	switch unverified := slices.Concat(d.unverifiedEmails, d.unverifiedPhones); {
	case len(unverified) == 0:
	case o.unverified == "trust":
		d.emails = append(d.emails, d.unverifiedEmails...)
		d.phones = append(d.phones, d.unverifiedPhones...)
	case o.unverified == "reject":
		// Clerk takes every address of create-user for verified: whoever signs up
		// elsewhere with a stranger's address would own the stranger's account here.
		return fmt.Sprintf("%s is not verified: see -unverified", unverified[0])
	}
	for _, e := range d.emails {
		if a, err := mail.ParseAddress(e); err != nil || a.Address != e {
			return fmt.Sprintf("email address %q is not valid", e)
		}
	}
	for _, p := range d.phones {
		if !e164.MatchString(p) {
			return fmt.Sprintf("phone number %q is not in the form +15551234567", p)
		}
	}
	if o.noPasswords {
		d.password, d.digest, d.hasher = "", "", ""
	}
	switch {
	case d.digest != "" && d.hasher == "":
		return "a password digest without a password_hasher"
	case d.digest == "":
		d.hasher = ""
	}
	return ""
}
