package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/clerk/clerk-sdk-go/v2"
)

// sameUser reports whether a user of Clerk's is what the row would have made, by
// all that identifies it.
func sameUser(u *row, found *clerk.User) bool {
	var emails, phones, wallets []string
	for _, e := range found.EmailAddresses {
		emails = append(emails, strings.ToLower(e.EmailAddress))
	}
	for _, p := range found.PhoneNumbers {
		phones = append(phones, p.PhoneNumber)
	}
	for _, w := range found.Web3Wallets {
		wallets = append(wallets, strings.ToLower(w.Web3Wallet))
	}
	return u.externalID == value(found.ExternalID) &&
		strings.EqualFold(u.username, value(found.Username)) &&
		equal(u.emails, emails) && equal(u.phones, phones) && equal(u.wallets, wallets)
}

// equal compares as sets, and without regard to case.
func equal(row, found []string) bool {
	if len(row) != len(found) {
		return false
	}
	for _, v := range row {
		if !slices.Contains(found, strings.ToLower(v)) {
			return false
		}
	}
	return true
}

// conflictWith says whom a row conflicts with.
func conflictWith(u *row, found *clerk.User) string {
	who := found.ID
	if id := value(found.ExternalID); id != "" {
		who += fmt.Sprintf(" (external_id %s)", id)
	}
	if sameUser(u, found) {
		return fmt.Sprintf("conflict: the user exists already, as %s, and this import did not make it", who)
	}
	return fmt.Sprintf("conflict: an identifier of the row belongs to another user, %s", who)
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
