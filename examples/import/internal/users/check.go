package users

import (
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
)

// Auto is the value of Options.From that goes by the columns of the first row.
const Auto = "auto"

// Options say how rows are to be understood.
type Options struct {
	From       string // a source, or [Auto]
	Map        string // "Column=field,Other=-"
	Unverified string // [AddUnverified], [DropUnverified] or [RejectUnverified]
	// AssumeVerified takes an address for verified of which its row says nothing.
	AssumeVerified bool
	NoPasswords    bool
	Firebase       Firebase
}

// Firebase has the parameters of a Firebase project's password hashes.
type Firebase struct {
	Key, Separator  string
	Rounds, MemCost int
}

// A Rejection says why a row is no user. User names whom it would have been, as
// far as that is known.
type Rejection struct{ User, Reason string }

// A Checker makes users of rows. It remembers every identifier, to find those
// that come twice. It is not safe for concurrent use.
type Checker struct {
	opts    Options
	source  *source // nil until the first row, if it is to be found out
	mapping map[string]string
	columns map[string]column // by their names
	seen    map[uint64]int    // hash of an identifier → line
	seed    maphash.Seed
	left    map[string]int // columns that are not imported → rows that have something in them
}

// NewChecker returns an error that names the flag of a wrong option.
func NewChecker(o Options) (c *Checker, err error) {
	c = &Checker{opts: o, columns: map[string]column{}, seen: map[uint64]int{}, seed: maphash.MakeSeed(), left: map[string]int{}}
	if o.From != Auto {
		if c.source, err = sourceNamed(o.From); err != nil {
			return nil, fmt.Errorf("-from %w", err)
		}
	}
	if c.mapping, err = parseMapping(o.Map); err != nil {
		return nil, fmt.Errorf("-map %w", err)
	}
	if !slices.Contains([]string{AddUnverified, DropUnverified, RejectUnverified}, o.Unverified) {
		return nil, fmt.Errorf("-unverified %q: want %s, %s or %s", o.Unverified, AddUnverified, DropUnverified, RejectUnverified)
	}
	return c, nil
}

// Source names the source of the rows; "" before the first one.
func (c *Checker) Source() string {
	if c.source == nil {
		return ""
	}
	return c.source.name
}

// LeftOut lists the columns that are not imported and hold something, with the
// number of rows in which they do.
func (c *Checker) LeftOut() (all []string) {
	for _, column := range slices.Sorted(maps.Keys(c.left)) {
		all = append(all, fmt.Sprintf("%s (%d)", column, c.left[column]))
	}
	return all
}

// Check makes the user of a row, or rejects it.
func (c *Checker) Check(line int, columns map[string]any) (*User, *Rejection) {
	if c.source == nil {
		c.source = sourceOf(columns)
	}
	d := &draft{values: map[string]any{}}
	d.Line = line
	reason := c.fill(d, columns)
	if reason == "" {
		reason = c.settle(d)
	}
	ids := append(d.Identifiers(), d.Unverified...)
	for _, id := range ids {
		if other := c.seen[maphash.String(c.seed, id)]; other > 0 && reason == "" {
			reason = fmt.Sprintf("duplicate: %s is on line %d already", id, other)
		}
	}
	if reason != "" {
		known := append(ids, Identifiers(nil, nil, d.emails.values(), d.phones.values())...)
		return nil, &Rejection{append(known, "")[0], reason}
	}
	for _, id := range ids {
		c.seen[maphash.String(c.seed, id)] = line
	}
	d.Key = ids[0]
	return &d.User, nil
}

// settle decides what the columns leave open, and returns what is wrong.
func (c *Checker) settle(d *draft) string {
	if d.gone {
		return "the user was deleted"
	}
	if c.source.finish != nil {
		c.source.finish(d)
	}
	// A full name is taken apart where that is all there is.
	if parts := strings.Fields(d.text("display_name")); len(parts) > 0 && d.Create.FirstName == nil && d.Create.LastName == nil {
		d.Create.FirstName = &parts[0]
		if rest := strings.Join(parts[1:], " "); rest != "" {
			d.Create.LastName = &rest
		}
	}
	if reason := d.settleAddresses(&c.opts, c.source); reason != "" {
		return reason
	}
	if reason := d.settlePassword(&c.opts, c.source); reason != "" {
		return reason
	}
	switch {
	case len(d.Identifiers()) > 0:
		return ""
	case len(d.Unverified) > 0:
		return "nothing to know the user by but an address that is not verified: give it an external_id"
	}
	return "no external id, email address, phone number or username: nothing to know the user by"
}
