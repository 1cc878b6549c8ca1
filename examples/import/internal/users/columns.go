package users

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A draft is what the columns of a row say of a user, and nothing is settled yet.
type draft struct {
	User
	values                       map[string]any // by field, as Clerk's create-user operation has them
	emails, phones               addresses
	emailVerified, phoneVerified *bool // of the first address; nil: the row has no word on it
	gone                         bool
}

func (d *draft) text(field string) string {
	s, _ := d.values[field].(string)
	return s
}

// fields are the names that a column can be mapped to: those of Clerk's
// create-user operation, and what exports have besides.
var fields = map[string]func(d *draft, field string, v any) error{
	"external_id":                 value(toText),
	"username":                    value(toText),
	"first_name":                  value(toText),
	"last_name":                   value(toText),
	"display_name":                value(toText),
	"email_address":               emails(nil),
	"verified_email_address":      emails(yes),
	"unverified_email_address":    emails(no),
	"primary_email_address_id":    value(toText),
	"email_verified":              func(d *draft, _ string, v any) error { said(&d.emailVerified, v); return nil },
	"phone_number":                phones(nil),
	"verified_phone_number":       phones(yes),
	"unverified_phone_number":     phones(no),
	"primary_phone_number_id":     value(toText),
	"phone_verified":              func(d *draft, _ string, v any) error { said(&d.phoneVerified, v); return nil },
	"password":                    value(toSecret),
	"password_digest":             value(toText),
	"password_hasher":             value(toText),
	"password_salt":               value(toText),
	"totp_secret":                 value(toText),
	"backup_codes":                value(toTexts),
	"created_at":                  value(toTime),
	"legal_accepted_at":           value(toTime),
	"delete_self_enabled":         value(toBool),
	"create_organization_enabled": value(toBool),
	"create_organizations_limit":  value(toInt),
	"skip_password_requirement":   value(toBool),
	"skip_password_checks":        value(toBool),
	"skip_legal_checks":           value(toBool),
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
func value[T comparable](read func(any) (T, error)) func(*draft, string, any) error {
	return func(d *draft, field string, v any) error {
		value, err := read(v)
		if value != *new(T) {
			d.values[field] = value
		}
		return err
	}
}

func bans(does func(any) bool) func(*draft, string, any) error {
	return func(d *draft, _ string, v any) error { d.Ban = d.Ban || does(v); return nil }
}

// said takes what a column says of the row's address. An empty one says no. Two
// that disagree, too.
func said(verified **bool, v any) {
	*verified = ptr(clearly(v) && (*verified == nil || **verified))
}

// fill goes through the columns in an order that does not change, so that the
// same file always gives the same users. It reads all of them, so that a
// rejection can name the user.
func (c *Checker) fill(d *draft, columns map[string]any) (reason string) {
	for _, column := range inOrder(columns) {
		value := unwrap(columns[column])
		switch field := c.fieldOf(column); field {
		case ignored:
		case "":
			if says(value) {
				c.left[column]++
			}
		default:
			if err := fields[field](d, field, value); err != nil && reason == "" {
				reason = fmt.Sprintf("column %q: %v", column, err)
			}
		}
	}
	// The fields of the create-user operation find their places by their names.
	body, err := json.Marshal(d.values)
	if err == nil {
		err = json.Unmarshal(body, &d.Create)
	}
	if err != nil && reason == "" {
		reason = err.Error()
	}
	return reason
}

// inOrder puts primary columns first, since the first of several addresses is
// the primary one, and the id of a user before its external id, which wins.
func inOrder(columns map[string]any) []string {
	all := slices.Sorted(maps.Keys(columns))
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

// plain writes a column's name as Clerk would: "First Name", "firstName" and
// "first-name" are all first_name.
func plain(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range strings.TrimSpace(name) {
		switch {
		case strings.ContainsRune(" -_.", r):
			if s := b.String(); s != "" && !strings.HasSuffix(s, "_") {
				b.WriteByte('_')
			}
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			b.WriteByte('_')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
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
