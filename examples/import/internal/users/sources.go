package users

import (
	"fmt"
	"slices"
	"strings"
)

// A source is a system that users come from: how its columns are called, and
// what its exports need besides.
type source struct {
	name string
	// columns maps the plain names of its columns to fields, before common does.
	columns map[string]string
	// signs are columns that only this source has.
	signs []string
	// tells: it knows of every address whether it was verified, so that silence
	// means no.
	tells bool
	// phonesVerified: it has no other phone numbers.
	phonesVerified bool
	// firebase: its digests are of Firebase's own kind, and have parameters.
	firebase bool
	// finish does the rest.
	finish func(d *draft)
}

// common are names that mean the same wherever they stand.
var common = map[string]string{
	"id": "external_id", "user_id": "external_id", "uid": "external_id", "local_id": "external_id",
	"email": "email_address", "e_mail": "email_address", "emails": "email_address", "email_addresses": "email_address",
	"primary_email_address": "email_address", "verified_email_addresses": "verified_email_address",
	"unverified_email_addresses": "unverified_email_address",
	"email_verified_at":          "email_verified", "email_confirmed_at": "email_verified",
	"email_confirmed": "email_verified", "is_email_verified": "email_verified",
	"phone": "phone_number", "phones": "phone_number", "phone_numbers": "phone_number",
	"primary_phone_number": "phone_number", "verified_phone_numbers": "verified_phone_number",
	"unverified_phone_numbers": "unverified_phone_number",
	"phone_verified_at":        "phone_verified", "phone_confirmed_at": "phone_verified", "phone_number_verified": "phone_verified",
	"name": "display_name", "full_name": "display_name", "given_name": "first_name", "family_name": "last_name",
	"password_hash": "password_digest", "hashed_password": "password_digest", "encrypted_password": "password_digest",
	"hasher": "password_hasher", "salt": "password_salt",
	"blocked": "banned", "disabled": "banned", "suspended": "banned", "deactivated": "banned",
	"is_banned": "banned", "is_blocked": "banned", "is_disabled": "banned", "is_suspended": "banned",
	"banned_at": "banned", "blocked_at": "banned", "disabled_at": "banned", "suspended_at": "banned", "deactivated_at": "banned",
	"is_active": "active", "enabled": "active", "is_enabled": "active",
	"account_status": "status", "user_status": "status",
	"deleted_at": "deleted", "is_deleted": "deleted",
	"created": "created_at", "create_time": "created_at",
}

// Other is the source of a file that bears no sign of another one.
const Other = "other"

var sources = []*source{
	{
		name:    "auth0",
		signs:   []string{"app_metadata", "user_metadata", "logins_count", "identities", "identifiers", "tenant", "connection", "custom_password_hash"},
		columns: map[string]string{"user_metadata": "public_metadata", "app_metadata": "private_metadata"},
		tells:   true,
		finish: func(d *draft) {
			if strings.Contains(d.text("display_name"), "@") { // Auth0 puts the address where it knows no name
				delete(d.values, "display_name")
			}
		},
	},
	{
		name:           "firebase",
		signs:          []string{"local_id"},
		columns:        map[string]string{"custom_attributes": "public_metadata"},
		tells:          true,
		phonesVerified: true, // a number is there when its owner has signed in with it
		firebase:       true,
	},
	{
		name:  "supabase",
		signs: []string{"encrypted_password", "raw_user_meta_data", "raw_app_meta_data", "email_confirmed_at", "instance_id", "phone_confirmed_at"},
		columns: map[string]string{
			"raw_user_meta_data": "public_metadata", "user_metadata": "public_metadata",
			"raw_app_meta_data": "private_metadata", "app_metadata": "private_metadata",
		},
		tells: true,
		finish: func(d *draft) {
			for _, p := range d.addresses["phone_number"].list { // Supabase leaves the + out
				p.value = "+" + strings.TrimPrefix(p.value, "+")
			}
			profile, _ := d.values["public_metadata"].(map[string]any)
			for _, member := range []string{"display_name", "full_name", "name"} {
				if name, ok := profile[member].(string); ok && d.text("display_name") == "" {
					d.set("display_name", name)
				}
			}
		},
	},
	{name: "authjs", tells: true},
	{name: "betterauth", signs: []string{"phone_number_verified", "ban_reason", "ban_expires", "display_username"}, tells: true},
	{name: "clerk", signs: []string{"primary_email_address", "primary_email_address_id", "verified_email_addresses", "unverified_email_addresses", "backup_codes_enabled"}},
	{name: Other},
}

// sourceOf finds the source whose signs a row bears most of, and of equals the
// first: an Auth0 export may well have a column that Clerk has, too.
func sourceOf(columns map[string]any) *source {
	best, most := sources[len(sources)-1], 0
	for _, s := range sources {
		n := 0
		for column := range columns {
			if slices.Contains(s.signs, plain(column)) {
				n++
			}
		}
		if n > most {
			best, most = s, n
		}
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
	return nil, fmt.Errorf("%q: want auto or one of %s", name, strings.Join(names, ", "))
}

// FirebaseColumns is what `firebase auth:export users.csv` writes, without a
// header (https://firebase.google.com/docs/cli/auth#file_format).
var FirebaseColumns = strings.Split("localId,email,emailVerified,passwordHash,passwordSalt,displayName,photoUrl,"+
	"googleId,googleEmail,googleDisplayName,googlePhotoUrl,facebookId,facebookEmail,facebookDisplayName,facebookPhotoUrl,"+
	"twitterId,twitterEmail,twitterDisplayName,twitterPhotoUrl,githubId,githubEmail,githubDisplayName,githubPhotoUrl,"+
	"createdAt,lastSignedInAt,phoneNumber,disabled,customAttributes,providerUserInfo", ",")
