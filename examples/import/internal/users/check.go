package users

import (
	"encoding/json"
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
func (c *Checker) Check(line int, row map[string]any) (*User, *Rejection) {
	if c.source == nil {
		c.source = sourceOf(row)
	}
	d := &draft{values: map[string]any{}, addresses: map[string]*addresses{}}
	for _, kind := range kinds {
		d.addresses[kind.field] = &addresses{}
	}
	reason := c.fill(d, row)
	if reason == "" {
		reason = c.settle(d)
	}
	// The fields of the create-user operation find their places by their names.
	u := &User{Line: line, Unverified: d.unverified, Ban: d.ban}
	body, err := json.Marshal(d.values)
	if err == nil {
		err = json.Unmarshal(body, &u.Create)
	}
	ids := append(u.Identifiers(), u.Unverified...)
	switch {
	case reason != "":
	case err != nil:
		reason = err.Error()
	case len(ids) == 0:
		reason = "no external id, email address, phone number or username: nothing to identify the user by"
	case len(ids) == len(u.Unverified):
		reason = "nothing to identify the user by but an address that is not verified: give it an external_id"
	}
	for _, id := range ids {
		if other := c.seen[maphash.String(c.seed, id)]; other > 0 && reason == "" {
			reason = fmt.Sprintf("duplicate: %s is on line %d already", id, other)
		}
	}
	if reason != "" {
		for _, kind := range kinds {
			for _, one := range d.addresses[kind.field].list {
				ids = append(ids, identifiers(kind.field, one.value)...)
			}
		}
		return nil, &Rejection{append(ids, "")[0], reason}
	}
	for _, id := range ids {
		c.seen[maphash.String(c.seed, id)] = line
	}
	u.Key = ids[0]
	return u, nil
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
	if parts := strings.Fields(d.text("display_name")); len(parts) > 0 && d.text("first_name")+d.text("last_name") == "" {
		d.set("first_name", parts[0])
		d.set("last_name", strings.Join(parts[1:], " "))
	}
	if reason := d.settleAddresses(&c.opts, c.source); reason != "" {
		return reason
	}
	return d.settlePassword(&c.opts, c.source)
}
