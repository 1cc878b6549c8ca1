package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A setter puts a value into the draft.
type setter func(d *draft, v any) error

// fields are the names that a column can be mapped to: those of Clerk's
// create-user operation, and a few that exports have besides.
var fields = map[string]setter{
	"external_id":                 texts(func(d *draft) *string { return &d.externalID }),
	"username":                    texts(func(d *draft) *string { return &d.username }),
	"first_name":                  texts(func(d *draft) *string { return &d.firstName }),
	"last_name":                   texts(func(d *draft) *string { return &d.lastName }),
	"display_name":                texts(func(d *draft) *string { return &d.displayName }),
	"email_address":               lists("email_address", func(d *draft) *[]string { return &d.emails }),
	"unverified_email_address":    lists("email_address", func(d *draft) *[]string { return &d.unverifiedEmails }),
	"email_verified":              bools(func(d *draft) **bool { return &d.emailVerified }),
	"email_verified_at":           happened(func(d *draft) **bool { return &d.emailVerified }),
	"phone_number":                lists("phone_number", func(d *draft) *[]string { return &d.phones }),
	"unverified_phone_number":     lists("phone_number", func(d *draft) *[]string { return &d.unverifiedPhones }),
	"phone_verified":              bools(func(d *draft) **bool { return &d.phoneVerified }),
	"phone_verified_at":           happened(func(d *draft) **bool { return &d.phoneVerified }),
	"web3_wallet":                 lists("web3_wallet", func(d *draft) *[]string { return &d.wallets }),
	"password":                    texts(func(d *draft) *string { return &d.password }),
	"password_digest":             texts(func(d *draft) *string { return &d.digest }),
	"password_hasher":             texts(func(d *draft) *string { return &d.hasher }),
	"password_salt":               texts(func(d *draft) *string { return &d.salt }),
	"totp_secret":                 texts(func(d *draft) *string { return &d.totpSecret }),
	"backup_codes":                lists("code", func(d *draft) *[]string { return &d.backupCodes }),
	"created_at":                  times(func(d *draft) *string { return &d.createdAt }),
	"legal_accepted_at":           times(func(d *draft) *string { return &d.legalAcceptedAt }),
	"delete_self_enabled":         bools(func(d *draft) **bool { return &d.deleteSelf }),
	"create_organization_enabled": bools(func(d *draft) **bool { return &d.createOrganizations }),
	"skip_password_requirement":   bools(func(d *draft) **bool { return &d.skipPassword }),
	"skip_password_checks":        bools(func(d *draft) **bool { return &d.skipPasswordChecks }),
	"skip_legal_checks":           bools(func(d *draft) **bool { return &d.skipLegal }),
	"create_organizations_limit": func(d *draft, v any) (err error) {
		d.organizationsLimit, err = toInt(v)
		return err
	},
	"public_metadata":  func(d *draft, v any) (err error) { d.publicMetadata, err = toObject(v); return err },
	"private_metadata": func(d *draft, v any) (err error) { d.privateMeta, err = toObject(v); return err },
	"unsafe_metadata":  func(d *draft, v any) (err error) { d.unsafeMeta, err = toObject(v); return err },
}

// maxList is more than any user has of anything.
const maxList = 100

// texts, bools, times and lists keep what an earlier column of the same meaning
// said, where a later one is empty; lists add up.
func texts(of func(*draft) *string) setter {
	return func(d *draft, v any) error {
		s, err := toText(v)
		if s != "" {
			*of(d) = s
		}
		return err
	}
}

func times(of func(*draft) *string) setter {
	return func(d *draft, v any) error {
		s, err := toTime(v)
		if s != "" {
			*of(d) = s
		}
		return err
	}
}

func bools(of func(*draft) **bool) setter {
	return func(d *draft, v any) error {
		b, err := toBool(v)
		if b != nil {
			*of(d) = b
		}
		return err
	}
}

// happened reads a moment that is set when something has happened.
func happened(of func(*draft) **bool) setter {
	return func(d *draft, v any) error {
		s, err := toText(v)
		yes := s != "" && s != "null"
		*of(d) = &yes
		return err
	}
}

func lists(member string, of func(*draft) *[]string) setter {
	return func(d *draft, v any) error {
		values, err := toList(v, member)
		if len(values) > maxList {
			return fmt.Errorf("%d values, more than the %d that a user may have", len(values), maxList)
		}
		for _, value := range values {
			if !slices.ContainsFunc(*of(d), func(have string) bool { return strings.EqualFold(have, value) }) {
				*of(d) = append(*of(d), value)
			}
		}
		return err
	}
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
			return nil, fmt.Errorf("-map %q: want \"Column=field\", where field is %s, or - to leave the column out", pair, strings.Join(fieldNames(), ", "))
		}
		m[plain(theirs)] = ours
	}
	return m, nil
}

// ignored is the field of columns that are left out on purpose.
const ignored = "-"

func fieldNames() []string {
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
