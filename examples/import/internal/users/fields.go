package users

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// A draft is a user that is not settled yet.
type draft struct {
	User
	emails, phones               addresses
	backupCodes                  []string
	password, digest, hasher     string
	salt, displayName            string
	publicMeta, privateMeta      json.RawMessage
	unsafeMeta                   json.RawMessage
	emailVerified, phoneVerified *bool // of the first address; nil: the row has no word on it
	gone                         bool
}

// A setter puts a value into the draft.
type setter func(d *draft, v any) error

// fields are the names that a column can be mapped to: those of Clerk's
// create-user operation, and what exports have besides.
var fields = map[string]setter{
	"external_id":                 pointers(func(d *draft) **string { return &d.Create.ExternalID }, toText),
	"username":                    pointers(func(d *draft) **string { return &d.Create.Username }, toText),
	"first_name":                  pointers(func(d *draft) **string { return &d.Create.FirstName }, toText),
	"last_name":                   pointers(func(d *draft) **string { return &d.Create.LastName }, toText),
	"totp_secret":                 pointers(func(d *draft) **string { return &d.Create.TOTPSecret }, toText),
	"created_at":                  pointers(func(d *draft) **string { return &d.Create.CreatedAt }, toTime),
	"legal_accepted_at":           pointers(func(d *draft) **string { return &d.Create.LegalAcceptedAt }, toTime),
	"display_name":                values(func(d *draft) *string { return &d.displayName }, toText),
	"password":                    values(func(d *draft) *string { return &d.password }, toSecret),
	"password_digest":             values(func(d *draft) *string { return &d.digest }, toText),
	"password_hasher":             values(func(d *draft) *string { return &d.hasher }, toText),
	"password_salt":               values(func(d *draft) *string { return &d.salt }, toText),
	"email_address":               emails(nil),
	"verified_email_address":      emails(yes),
	"unverified_email_address":    emails(no),
	"primary_email_address_id":    values(func(d *draft) *string { return &d.emails.primary }, toText),
	"primary_phone_number_id":     values(func(d *draft) *string { return &d.phones.primary }, toText),
	"email_verified":              said(func(d *draft) **bool { return &d.emailVerified }),
	"phone_number":                phones(nil),
	"verified_phone_number":       phones(yes),
	"unverified_phone_number":     phones(no),
	"phone_verified":              said(func(d *draft) **bool { return &d.phoneVerified }),
	"backup_codes":                codes,
	"delete_self_enabled":         values(func(d *draft) **bool { return &d.Create.DeleteSelfEnabled }, toBool),
	"create_organization_enabled": values(func(d *draft) **bool { return &d.Create.CreateOrganizationEnabled }, toBool),
	"create_organizations_limit":  values(func(d *draft) **int { return &d.Create.CreateOrganizationsLimit }, toInt),
	"skip_password_requirement":   values(func(d *draft) **bool { return &d.Create.SkipPasswordRequirement }, toBool),
	"skip_password_checks":        values(func(d *draft) **bool { return &d.Create.SkipPasswordChecks }, toBool),
	"skip_legal_checks":           values(func(d *draft) **bool { return &d.Create.SkipLegalChecks }, toBool),
	"public_metadata":             objects(func(d *draft) *json.RawMessage { return &d.publicMeta }),
	"private_metadata":            objects(func(d *draft) *json.RawMessage { return &d.privateMeta }),
	"unsafe_metadata":             objects(func(d *draft) *json.RawMessage { return &d.unsafeMeta }),
	"banned":                      func(d *draft, v any) error { d.Ban = d.Ban || possibly(v); return nil },
	"active":                      func(d *draft, v any) error { d.Ban = d.Ban || v != nil && v != "" && !clearly(v); return nil },
	"banned_until":                func(d *draft, v any) error { d.Ban = d.Ban || lasts(v); return nil },
	"status":                      func(d *draft, v any) error { d.Ban = d.Ban || keepsOut(v); return nil },
	"deleted":                     func(d *draft, v any) error { d.gone = d.gone || possibly(v); return nil },
}

// values keeps what an earlier column of the same meaning said, where a later
// one is empty.
func values[T comparable](of func(*draft) *T, read func(any) (T, error)) setter {
	return func(d *draft, v any) error {
		value, err := read(v)
		if value != *new(T) {
			*of(d) = value
		}
		return err
	}
}

func pointers(of func(*draft) **string, read func(any) (string, error)) setter {
	return func(d *draft, v any) error {
		s, err := read(v)
		if s != "" {
			*of(d) = &s
		}
		return err
	}
}

// toSecret is toText for what may begin or end with a space.
func toSecret(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return toText(v)
}

func objects(of func(*draft) *json.RawMessage) setter {
	return func(d *draft, v any) error {
		o, err := toObject(v)
		if o != nil {
			*of(d) = o
		}
		return err
	}
}

// said takes what a column says of the row's address. An empty one says no. Two
// that disagree, too.
func said(of func(*draft) **bool) setter {
	return func(d *draft, v any) error {
		is := clearly(v) && (*of(d) == nil || **of(d))
		*of(d) = &is
		return nil
	}
}

// maxList is more than any user has of anything.
const maxList = 100

func codes(d *draft, v any) error {
	list, err := toList(v)
	for _, value := range list {
		if s, bad := toText(value); bad != nil {
			err = bad
		} else if s != "" {
			d.backupCodes = append(d.backupCodes, s)
		}
	}
	return errors.Join(err, tooMany(len(list)))
}

func tooMany(n int) error {
	if n > maxList {
		return fmt.Errorf("%d values, more than the %d that a user may have", n, maxList)
	}
	return nil
}

// lasts reports whether the end of a ban is still to come, as far as it can be
// read.
func lasts(v any) bool {
	s, err := toText(v)
	if end, ok := toMoment(s); err == nil && ok {
		return end.After(time.Now())
	}
	return possibly(v)
}

func keepsOut(v any) bool {
	s, err := toWord(v)
	return err != nil || slices.Contains([]string{"banned", "blocked", "disabled", "suspended", "inactive", "deactivated", "locked", "deleted"}, s)
}

// plain writes a column's name as Clerk would: "First Name", "firstName" and
// "first-name" are all first_name.
func plain(name string) string {
	var b strings.Builder
	lower := false
	for _, r := range strings.TrimSpace(name) {
		switch {
		case r == ' ' || r == '-' || r == '_' || r == '.':
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
			return nil, fmt.Errorf("%q: want \"Column=field\", where field is %s, or - to leave the column out", pair, strings.Join(sortedKeys(fields), ", "))
		}
		m[plain(theirs)] = ours
	}
	return m, nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
