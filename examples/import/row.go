package main

import (
	"encoding/json"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"
)

// A row is one user to be made.
type row struct {
	line int
	key  string // names the user in the journal: its first identifier
	draft
}

// A draft holds what a row says of a user, under the names of Clerk's
// create-user operation; empty means that it says nothing.
type draft struct {
	externalID, username, firstName, lastName   string
	emails, phones, wallets                     []string // the first is the primary one
	unverifiedEmails, unverifiedPhones          []string
	password, digest, hasher, salt              string
	totpSecret                                  string
	backupCodes                                 []string
	publicMetadata, privateMeta, unsafeMeta     json.RawMessage
	createdAt, legalAcceptedAt                  string // RFC 3339
	deleteSelf, createOrganizations             *bool
	organizationsLimit                          *int
	skipPassword, skipPasswordChecks, skipLegal *bool
	displayName                                 string
	emailVerified, phoneVerified                *bool // nil: the source does not tell
}

// identifiers lists what no two users of an instance may share, the best first.
func (d *draft) identifiers() []string {
	var ids []string
	if d.externalID != "" {
		ids = append(ids, "external_id:"+d.externalID)
	}
	for _, e := range d.emails {
		ids = append(ids, "email_address:"+strings.ToLower(e))
	}
	for _, p := range d.phones {
		ids = append(ids, "phone_number:"+p)
	}
	if d.username != "" {
		ids = append(ids, "username:"+strings.ToLower(d.username))
	}
	for _, w := range d.wallets {
		ids = append(ids, "web3_wallet:"+strings.ToLower(w))
	}
	return ids
}

// params is the body of the create-user operation.
func (d *draft) params() *user.CreateParams {
	p := &user.CreateParams{
		ExternalID:                text(d.externalID),
		EmailAddresses:            list(d.emails),
		PhoneNumbers:              list(d.phones),
		Web3Wallets:               list(d.wallets),
		Username:                  text(d.username),
		FirstName:                 text(d.firstName),
		LastName:                  text(d.lastName),
		Password:                  text(d.password),
		PasswordDigest:            text(d.digest),
		PasswordHasher:            text(d.hasher),
		TOTPSecret:                text(d.totpSecret),
		BackupCodes:               list(d.backupCodes),
		PublicMetadata:            object(d.publicMetadata),
		PrivateMetadata:           object(d.privateMeta),
		UnsafeMetadata:            object(d.unsafeMeta),
		CreatedAt:                 text(d.createdAt),
		LegalAcceptedAt:           text(d.legalAcceptedAt),
		DeleteSelfEnabled:         d.deleteSelf,
		CreateOrganizationEnabled: d.createOrganizations,
		CreateOrganizationsLimit:  d.organizationsLimit,
		SkipPasswordRequirement:   d.skipPassword,
		SkipPasswordChecks:        d.skipPasswordChecks,
		SkipLegalChecks:           d.skipLegal,
	}
	if d.password == "" && d.digest == "" && p.SkipPasswordRequirement == nil {
		p.SkipPasswordRequirement = clerk.Bool(true)
	}
	return p
}

// text, list and object leave out what is not there.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func list(l []string) *[]string {
	if len(l) == 0 {
		return nil
	}
	return &l
}

func object(o json.RawMessage) *json.RawMessage {
	if len(o) == 0 {
		return nil
	}
	return &o
}
