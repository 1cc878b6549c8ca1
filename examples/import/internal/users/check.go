package users

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
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
type Rejection struct {
	Line         int
	User, Reason string
}

func (r *Rejection) Error() string { return fmt.Sprintf("line %d: %s", r.Line, r.Reason) }

// A Checker makes users of rows. It remembers every identifier, to find those
// that come twice. It is not safe for concurrent use.
type Checker struct {
	opts    Options
	source  *source // nil until the first row, if it is to be found out
	mapping map[string]string
	seen    map[uint64]int // hash of an identifier → line
	seed    maphash.Seed
	left    map[string]int
}

// NewChecker returns an error that names the flag of a wrong option.
func NewChecker(o Options) (*Checker, error) {
	c := &Checker{opts: o, seen: map[uint64]int{}, seed: maphash.MakeSeed(), left: map[string]int{}}
	var err error
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
func (c *Checker) LeftOut() []string {
	var all []string
	for _, column := range sortedKeys(c.left) {
		all = append(all, fmt.Sprintf("%s (%d)", column, c.left[column]))
	}
	return all
}

// Check makes the user of a row. The error is a [*Rejection].
func (c *Checker) Check(line int, columns map[string]any) (*User, error) {
	if c.source == nil {
		c.source = sourceOf(columns)
	}
	d := &draft{}
	d.Line = line
	reason := c.fill(d, columns)
	if reason == "" {
		reason = c.settle(d)
	}
	if reason != "" {
		return nil, &Rejection{line, d.name(), reason}
	}
	ids := d.Identifiers()
	for _, id := range append(ids, d.unverifiedIdentifiers()...) {
		if other, ok := c.seen[maphash.String(c.seed, id)]; ok {
			return nil, &Rejection{line, d.name(), fmt.Sprintf("duplicate: %s is on line %d already", id, other)}
		}
	}
	for _, id := range append(ids, d.unverifiedIdentifiers()...) {
		c.seen[maphash.String(c.seed, id)] = line
	}
	d.Key = ids[0]
	return &d.User, nil
}

// fill goes through the columns in an order that does not change, so that the
// same file always gives the same users.
func (c *Checker) fill(d *draft, columns map[string]any) (reason string) {
	for _, column := range inOrder(columns) {
		value := unwrap(columns[column])
		switch field := c.fieldOf(column); field {
		case ignored:
		case "":
			if holds(value) {
				c.left[column]++
			}
		default:
			// All columns are read, so that a rejection can name the user.
			if err := fields[field](d, value); err != nil && reason == "" {
				reason = fmt.Sprintf("column %q: %v", column, err)
			}
		}
	}
	return reason
}

// holds reports whether a value says anything.
func holds(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case bool:
		return v
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// fieldOf tells what a column means: as -map says, as the source says, or as it
// is called.
func (c *Checker) fieldOf(column string) string {
	name := plain(column)
	for _, names := range []map[string]string{c.mapping, c.source.columns, common} {
		if field, ok := names[name]; ok {
			return field
		}
	}
	if _, ok := fields[name]; ok {
		return name
	}
	return ""
}

// inOrder puts primary columns first, since the first of several addresses is
// the primary one, and the id of a user before its external id, which wins.
func inOrder(columns map[string]any) []string {
	all := sortedKeys(columns)
	rank := func(column string) int {
		switch name := plain(column); {
		case strings.HasPrefix(name, "primary_"):
			return 0
		case name == "external_id":
			return 2
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b string) int { return rank(a) - rank(b) })
	return all
}

// settle decides what the columns leave open, and returns what is wrong.
func (c *Checker) settle(d *draft) string {
	if d.gone {
		return "the user was deleted"
	}
	if c.source.finish != nil {
		c.source.finish(d)
	}
	d.splitName()
	d.Create.BackupCodes = list(d.backupCodes)
	d.Create.PublicMetadata, d.Create.PrivateMetadata, d.Create.UnsafeMetadata = object(d.publicMeta), object(d.privateMeta), object(d.unsafeMeta)
	if reason := d.settleAddresses(&c.opts, c.source); reason != "" {
		return reason
	}
	if reason := d.settlePassword(&c.opts, c.source); reason != "" {
		return reason
	}
	switch {
	case len(d.Identifiers()) > 0:
		return ""
	case len(d.Emails)+len(d.Phones) > 0:
		return "nothing to know the user by but an address that is not verified: give it an external_id"
	}
	return "no external id, email address, phone number or username: nothing to know the user by"
}

// splitName takes a full name apart where that is all there is.
func (d *draft) splitName() {
	parts := strings.Fields(d.displayName)
	if d.Create.FirstName != nil || d.Create.LastName != nil || len(parts) == 0 {
		return
	}
	d.Create.FirstName = &parts[0]
	if rest := strings.Join(parts[1:], " "); rest != "" {
		d.Create.LastName = &rest
	}
}

// name is the best that is known of whom a row is about.
func (d *draft) name() string {
	ids := d.Identifiers()
	for _, e := range d.emails.list {
		ids = append(ids, "email_address:"+e.value)
	}
	for _, p := range d.phones.list {
		ids = append(ids, "phone_number:"+p.value)
	}
	return append(ids, "")[0]
}

func (d *draft) unverifiedIdentifiers() []string {
	other := User{}
	other.Create.EmailAddresses, other.Create.PhoneNumbers = &d.Emails, &d.Phones
	return other.Identifiers()
}

func object(o json.RawMessage) *json.RawMessage {
	if len(o) == 0 {
		return nil
	}
	return &o
}
