package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// A source is a system that users come from: how its columns are called, and
// what its exports need besides.
type source struct {
	name string
	// columns maps the plain names of its columns to fields. A column that is
	// not listed is taken by its own name if that is a field.
	columns map[string]string
	// signs are columns that only this source has.
	signs []string
	// finish does the rest, and returns what is wrong.
	finish func(d *draft, o *options) string
}

var sources = []*source{
	{
		name:  "auth0",
		signs: []string{"app_metadata", "user_metadata", "logins_count", "identities", "given_name", "family_name", "custom_password_hash"},
		columns: map[string]string{
			"user_id": "external_id", "email": "email_address", "given_name": "first_name", "family_name": "last_name",
			"phone_number": "phone_number", "password_hash": "password_digest", "name": "display_name",
			"user_metadata": "public_metadata", "app_metadata": "private_metadata",
		},
		finish: func(d *draft, _ *options) string {
			d.hashedWith("bcrypt")
			unverifiedUnlessTold(d)
			if strings.Contains(d.displayName, "@") { // Auth0 puts the address where it knows no name
				d.displayName = ""
			}
			return ""
		},
	},
	{
		name:  "firebase",
		signs: []string{"local_id"},
		columns: map[string]string{
			"local_id": "external_id", "email": "email_address", "password_hash": "password_digest",
			"salt": "password_salt", "phone_number": "phone_number", "custom_attributes": "public_metadata",
		},
		finish: func(d *draft, o *options) string {
			unverifiedUnlessTold(d)
			d.phoneVerified = nil // Firebase knows only numbers that were verified
			switch {
			case o.noPasswords || d.digest == "":
			case o.firebaseKey == "":
				return "a Firebase password needs its project's signer key: set FIREBASE_SIGNER_KEY, or leave passwords out with -no-passwords"
			default:
				d.digest = fmt.Sprintf("%s$%s$%s$%s$%d$%d", d.digest, d.salt, o.firebaseKey, o.firebaseSeparator, o.firebaseRounds, o.firebaseMemCost)
				d.hashedWith("scrypt_firebase")
			}
			return ""
		},
	},
	{
		name:  "supabase",
		signs: []string{"encrypted_password", "raw_user_meta_data", "raw_app_meta_data", "email_confirmed_at", "instance_id"},
		columns: map[string]string{
			"id": "external_id", "email": "email_address", "email_confirmed_at": "email_verified_at",
			"phone": "phone_number", "phone_confirmed_at": "phone_verified_at", "encrypted_password": "password_digest",
			"raw_user_meta_data": "public_metadata", "user_metadata": "public_metadata",
			"raw_app_meta_data": "private_metadata", "app_metadata": "private_metadata",
		},
		finish: func(d *draft, _ *options) string {
			d.hashedWith("bcrypt")
			unverifiedUnlessTold(d)
			if d.phoneVerified == nil {
				d.phoneVerified = new(bool)
			}
			for i, p := range d.phones { // Supabase leaves the + out
				d.phones[i] = "+" + strings.TrimPrefix(p, "+")
			}
			if d.displayName == "" {
				d.displayName = nameIn(d.publicMetadata)
			}
			return ""
		},
	},
	{
		name:  "clerk",
		signs: []string{"external_id", "email_address", "email_addresses", "primary_email_address", "verified_email_addresses", "password_digest"},
		columns: map[string]string{
			"id": "external_id", "user_id": "external_id",
			"email": "email_address", "e_mail": "email_address", "emails": "email_address", "email_addresses": "email_address",
			"primary_email_address": "email_address", "verified_email_addresses": "email_address",
			"unverified_email_addresses": "unverified_email_address",
			"phone":                      "phone_number", "phones": "phone_number", "phone_numbers": "phone_number",
			"primary_phone_number": "phone_number", "verified_phone_numbers": "phone_number",
			"unverified_phone_numbers": "unverified_phone_number",
			"web3_wallets":             "web3_wallet", "primary_web3_wallet": "web3_wallet",
			"name": "display_name", "given_name": "first_name", "family_name": "last_name",
		},
		finish: func(d *draft, _ *options) string {
			if d.digest != "" && d.hasher == "" && bcryptDigest.MatchString(d.digest) {
				d.hasher = "bcrypt"
			}
			return ""
		},
	},
}

var bcryptDigest = regexp.MustCompile(`^\$2[abxy]?\$\d\d\$`)

func (d *draft) hashedWith(hasher string) {
	if d.digest != "" && d.hasher == "" {
		d.hasher = hasher
	}
}

// unverifiedUnlessTold keeps to what these sources mean by an empty field: the
// address was not verified.
func unverifiedUnlessTold(d *draft) {
	if d.emailVerified == nil {
		d.emailVerified = new(bool)
	}
}

func nameIn(metadata json.RawMessage) string {
	var m struct {
		DisplayName string `json:"display_name"`
		FullName    string `json:"full_name"`
		Name        string `json:"name"`
	}
	if json.Unmarshal(metadata, &m) != nil {
		return ""
	}
	for _, name := range []string{m.DisplayName, m.FullName, m.Name} {
		if name != "" {
			return name
		}
	}
	return ""
}

// sourceOf finds the source whose signs a row bears most of, and of equals the
// first: an Auth0 export may well have a column that Clerk has, too.
func sourceOf(columns map[string]any) *source {
	var best *source
	most := 0
	for _, s := range sources {
		n := 0
		for _, sign := range s.signs {
			for column := range columns {
				if plain(column) == sign {
					n++
				}
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	if best == nil {
		return sources[len(sources)-1]
	}
	return best
}

func sourceNamed(name string) (*source, error) {
	var names []string
	for _, s := range sources {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return nil, fmt.Errorf("-from %q: want auto or one of %s", name, strings.Join(names, ", "))
}
