package users

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A draft is what the columns of a row say of a user, and nothing is settled yet.
type draft struct {
	values     map[string]any        // by field, as Clerk's create-user operation has them
	addresses  map[string]*addresses // of [kinds]
	unverified []string              // as [User] has them
	ban, gone  bool
}

func (d *draft) text(field string) string {
	s, _ := d.values[field].(string)
	return s
}

// set sets a field, if there is something to be said in it.
func (d *draft) set(field, text string) {
	if text != "" {
		d.values[field] = text
	}
}

// fields are the names that a column can be mapped to: those of Clerk's
// create-user operation, and what exports have besides.
var fields = map[string]func(d *draft, field string, v any) error{
	"external_id":                 value(scalar(asText)),
	"username":                    value(scalar(asText)),
	"first_name":                  value(scalar(asText)),
	"last_name":                   value(scalar(asText)),
	"display_name":                value(scalar(asText)),
	"email_address":               address("email_address", nil),
	"verified_email_address":      address("email_address", yes),
	"unverified_email_address":    address("email_address", no),
	"primary_email_address_id":    value(scalar(asText)),
	"email_verified":              said("email_address"),
	"phone_number":                address("phone_number", nil),
	"verified_phone_number":       address("phone_number", yes),
	"unverified_phone_number":     address("phone_number", no),
	"primary_phone_number_id":     value(scalar(asText)),
	"phone_verified":              said("phone_number"),
	"password":                    value(toPassword),
	"password_digest":             value(scalar(asText)),
	"password_hasher":             value(scalar(asText)),
	"password_salt":               value(scalar(asText)),
	"totp_secret":                 value(scalar(asText)),
	"backup_codes":                value(toTexts),
	"created_at":                  value(scalar(asTime)),
	"legal_accepted_at":           value(scalar(asTime)),
	"delete_self_enabled":         value(scalar(asBool)),
	"create_organization_enabled": value(scalar(asBool)),
	"create_organizations_limit":  value(scalar(asInt)),
	"skip_password_requirement":   value(scalar(asBool)),
	"skip_password_checks":        value(scalar(asBool)),
	"skip_legal_checks":           value(scalar(asBool)),
	"public_metadata":             value(toObject),
	"private_metadata":            value(toObject),
	"unsafe_metadata":             value(toObject),
	"banned":                      bans(possibly),
	"active":                      bans(func(v any) bool { return v != nil && v != "" && !clearly(v) }),
	"banned_until":                bans(lasts),
	"status":                      bans(keepsOut),
	"deleted":                     func(d *draft, _ string, v any) error { d.gone = d.gone || possibly(v); return nil },
}

// value keeps what an earlier column of the same meaning said, where a later one
// is empty.
func value(read func(any) (any, error)) func(*draft, string, any) error {
	return func(d *draft, field string, v any) error {
		value, err := read(v)
		if value != nil {
			d.values[field] = value
		}
		return err
	}
}

func bans(does func(any) bool) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error { d.ban = d.ban || does(v); return nil }
}

// A column is what a column is taken for, by its name.
type column struct {
	name  string
	field string // "": nothing is known of it
	rank  int    // of two for one field, the lower goes first
}

// columnOf tells what a column means: as -map says, as the source says, or as it
// is called.
func (c *Checker) columnOf(name string) column {
	if known, ok := c.columns[name]; ok {
		return known
	}
	col, short := column{name: name, rank: 1}, plain(name)
	if _, ok := fields[short]; ok {
		col.field = short
	}
	for _, names := range []map[string]string{common, c.source.columns, c.mapping} {
		if field, ok := names[short]; ok {
			col.field = field
		}
	}
	switch {
	case strings.HasPrefix(short, "primary_"): // the first of several addresses is the primary one
		col.rank = 0
	case short == "external_id": // wins over the id of a user
		col.rank = 2
	}
	c.columns[name] = col
	return col
}

// fill goes through the columns in an order that does not change, so that the
// same file always gives the same users. It reads all of them, so that a
// rejection can name the user.
func (c *Checker) fill(d *draft, row map[string]any) (reason string) {
	var all []column
	for name := range row {
		all = append(all, c.columnOf(name))
	}
	slices.SortFunc(all, func(a, b column) int { return cmp.Or(a.rank-b.rank, strings.Compare(a.name, b.name)) })
	for _, col := range all {
		value := unwrap(row[col.name])
		switch col.field {
		case ignored:
		case "":
			if says(value) {
				c.left[col.name]++
			}
		default:
			if err := fields[col.field](d, col.field, value); err != nil && reason == "" {
				reason = fmt.Sprintf("column %q: %v", col.name, err)
			}
		}
	}
	return reason
}

var (
	wordEnds = regexp.MustCompile(`([\p{Ll}\d])(\p{Lu})`)
	wordGaps = regexp.MustCompile(`[\s_.-]+`)
)

// plain writes a column's name as Clerk would: "First Name", "firstName" and
// "first-name" are all first_name.
func plain(name string) string {
	name = wordEnds.ReplaceAllString(name, "${1}_${2}")
	return strings.ToLower(strings.Trim(wordGaps.ReplaceAllString(name, "_"), "_"))
}

// ignored is the field of columns that are left out on purpose.
const ignored = "-"

// parseMapping reads -map: "Their Header=field,Other=-".
func parseMapping(flag string) (map[string]string, error) {
	m := map[string]string{}
	for pair := range strings.SplitSeq(flag, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		theirs, ours, ok := strings.Cut(pair, "=")
		ours = strings.TrimSpace(ours)
		if _, known := fields[ours]; !ok || !known && ours != ignored {
			return nil, fmt.Errorf("%q: want \"Column=field\", where field is %s, or - to leave the column out", pair, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		m[plain(theirs)] = ours
	}
	return m, nil
}
