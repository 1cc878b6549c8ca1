package clerktest

import (
	"encoding/json"
	"strings"
	"time"
)

// A user has the JSON shape of Clerk's user resource, as far as it is stored.
type user struct {
	ID                    string          `json:"id"`
	Object                string          `json:"object"`
	Username              *string         `json:"username"`
	FirstName             *string         `json:"first_name"`
	LastName              *string         `json:"last_name"`
	ImageURL              string          `json:"image_url"`
	HasImage              bool            `json:"has_image"`
	PrimaryEmailAddressID *string         `json:"primary_email_address_id"`
	PrimaryPhoneNumberID  *string         `json:"primary_phone_number_id"`
	PrimaryWeb3WalletID   *string         `json:"primary_web3_wallet_id"`
	PasswordEnabled       bool            `json:"password_enabled"`
	TwoFactorEnabled      bool            `json:"two_factor_enabled"`
	TOTPEnabled           bool            `json:"totp_enabled"`
	BackupCodeEnabled     bool            `json:"backup_code_enabled"`
	EmailAddresses        []identifier    `json:"email_addresses"`
	PhoneNumbers          []identifier    `json:"phone_numbers"`
	Web3Wallets           []identifier    `json:"web3_wallets"`
	ExternalAccounts      []struct{}      `json:"external_accounts"`
	SAMLAccounts          []struct{}      `json:"saml_accounts"`
	PublicMetadata        json.RawMessage `json:"public_metadata"`
	PrivateMetadata       json.RawMessage `json:"private_metadata"`
	UnsafeMetadata        json.RawMessage `json:"unsafe_metadata"`
	ExternalID            *string         `json:"external_id"`
	LastSignInAt          *int64          `json:"last_sign_in_at"`
	Banned                bool            `json:"banned"`
	Locked                bool            `json:"locked"`
	DeleteSelfEnabled     bool            `json:"delete_self_enabled"`
	CreateOrganization    bool            `json:"create_organization_enabled"`
	OrganizationsLimit    *int            `json:"create_organizations_limit,omitempty"`
	LastActiveAt          *int64          `json:"last_active_at"`
	LegalAcceptedAt       *int64          `json:"legal_accepted_at"`
	CreatedAt             int64           `json:"created_at"` // milliseconds
	UpdatedAt             int64           `json:"updated_at"`

	order int // of creation
}

// An identifier is an email address, a phone number or a wallet of a user.
type identifier struct {
	ID           string       `json:"id"`
	Object       string       `json:"object"`
	EmailAddress string       `json:"email_address,omitempty"`
	PhoneNumber  string       `json:"phone_number,omitempty"`
	Web3Wallet   string       `json:"web3_wallet,omitempty"`
	Reserved     bool         `json:"reserved"`
	Verification verification `json:"verification"`
	LinkedTo     []struct{}   `json:"linked_to"`
}

type verification struct {
	Status   string `json:"status"`
	Strategy string `json:"strategy"`
}

type deleted struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Deleted bool   `json:"deleted"`
}

// userParams is the body of create and update. A nil field was not sent.
type userParams struct {
	EmailAddresses      []string        `json:"email_address"`
	PhoneNumbers        []string        `json:"phone_number"`
	Web3Wallets         []string        `json:"web3_wallet"`
	Username            *string         `json:"username"`
	Password            *string         `json:"password"`
	PasswordDigest      *string         `json:"password_digest"`
	FirstName           *string         `json:"first_name"`
	LastName            *string         `json:"last_name"`
	ExternalID          *string         `json:"external_id"`
	PublicMetadata      json.RawMessage `json:"public_metadata"`
	PrivateMetadata     json.RawMessage `json:"private_metadata"`
	UnsafeMetadata      json.RawMessage `json:"unsafe_metadata"`
	PrimaryEmailAddress *string         `json:"primary_email_address_id"`
	PrimaryPhoneNumber  *string         `json:"primary_phone_number_id"`
	TOTPSecret          *string         `json:"totp_secret"`
	BackupCodes         []string        `json:"backup_codes"`
	DeleteSelfEnabled   *bool           `json:"delete_self_enabled"`
	CreateOrganization  *bool           `json:"create_organization_enabled"`
	OrganizationsLimit  *int            `json:"create_organizations_limit"`
	LegalAcceptedAt     *time.Time      `json:"legal_accepted_at"`
	CreatedAt           *time.Time      `json:"created_at"`
}

// claims are the values that no other user of the instance may have.
func (u *user) claims() []string {
	var keys []string
	for _, e := range u.EmailAddresses {
		keys = append(keys, "email_address:"+strings.ToLower(e.EmailAddress))
	}
	for _, e := range u.PhoneNumbers {
		keys = append(keys, "phone_number:"+e.PhoneNumber)
	}
	for _, e := range u.Web3Wallets {
		keys = append(keys, "web3_wallet:"+strings.ToLower(e.Web3Wallet))
	}
	if u.Username != nil {
		keys = append(keys, "username:"+strings.ToLower(*u.Username))
	}
	if u.ExternalID != nil {
		keys = append(keys, "external_id:"+*u.ExternalID)
	}
	return keys
}

func first(list []identifier) *string {
	if len(list) == 0 {
		return nil
	}
	return &list[0].ID
}

// set takes a sent value; an empty one clears the field.
func set(field **string, sent *string) {
	switch {
	case sent == nil:
	case *sent == "":
		*field = nil
	default:
		*field = sent
	}
}
