package clerktest

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A userStore holds the users of one instance. It has no lock: the server's
// guards it.
type userStore struct {
	rand  *rand.Rand
	byID  map[string]*user
	taken map[string]string // "email_address:a@b.c" → id of its user
	count int               // users ever created
}

func newUserStore(r *rand.Rand) *userStore {
	return &userStore{rand: r, byID: map[string]*user{}, taken: map[string]string{}}
}

// answer carries out a call if it is about users.
func (s *userStore) answer(t *trip, now time.Time) answer {
	c, body := &t.call, t.body
	switch c.endpoint {
	case "POST /v1/users":
		return s.create(body, now)
	case "GET /v1/users":
		return s.list(t.values())
	case "GET /v1/users/count":
		return s.total(t.values())
	}
	rest, ok := strings.CutPrefix(c.endpoint, c.patternMethod()+" /v1/users/{user_id}")
	if !ok {
		return generic(c)
	}
	u, ok := s.byID[c.params[0]]
	if !ok {
		return notFound("user", c.params[0])
	}
	switch c.patternMethod() + " " + rest {
	case "GET ":
	case "PATCH ":
		return s.update(u, body, now)
	case "DELETE ":
		return s.delete(u)
	case "PATCH /metadata":
		return s.metadata(u, body, now, mergeMetadata)
	case "PUT /metadata":
		return s.metadata(u, body, now, replaceMetadata)
	case "POST /ban", "POST /unban":
		u.Banned = rest == "/ban"
	case "POST /lock", "POST /unlock":
		u.Locked = rest == "/lock"
	case "POST /profile_image", "DELETE /profile_image":
		u.HasImage = c.method == http.MethodPost
	default:
		return generic(c)
	}
	return jsonAnswer(u)
}

func (s *userStore) create(body []byte, now time.Time) answer {
	var p userParams
	if json.Unmarshal(body, &p) != nil {
		return malformedBody()
	}
	u := &user{
		ID:                 s.id("user_2"),
		Object:             "user",
		EmailAddresses:     []identifier{},
		PhoneNumbers:       []identifier{},
		Web3Wallets:        []identifier{},
		ExternalAccounts:   []struct{}{},
		SAMLAccounts:       []struct{}{},
		PublicMetadata:     json.RawMessage(`{}`),
		PrivateMetadata:    json.RawMessage(`{}`),
		UnsafeMetadata:     json.RawMessage(`{}`),
		DeleteSelfEnabled:  true,
		CreateOrganization: true,
		CreatedAt:          now.UnixMilli(),
		order:              s.count,
	}
	u.ImageURL = "https://img.clerk.com/" + u.ID
	for _, e := range p.EmailAddresses {
		if !strings.Contains(e, "@") {
			return invalidParam("email_address", "must be a valid email address.")
		}
		u.EmailAddresses = append(u.EmailAddresses, s.identifier("email_address", e))
	}
	for _, e := range p.PhoneNumbers {
		u.PhoneNumbers = append(u.PhoneNumbers, s.identifier("phone_number", e))
	}
	for _, e := range p.Web3Wallets {
		u.Web3Wallets = append(u.Web3Wallets, s.identifier("web3_wallet", e))
	}
	u.PrimaryEmailAddressID = first(u.EmailAddresses)
	u.PrimaryPhoneNumberID = first(u.PhoneNumbers)
	u.PrimaryWeb3WalletID = first(u.Web3Wallets)
	if p.CreatedAt != nil {
		u.CreatedAt = p.CreatedAt.UnixMilli()
	}
	if a, ok := s.apply(u, &p, now); !ok {
		return a
	}
	s.count++
	return jsonAnswer(u)
}

func (s *userStore) update(u *user, body []byte, now time.Time) answer {
	var p userParams
	if json.Unmarshal(body, &p) != nil {
		return malformedBody()
	}
	changed := *u
	if a, ok := s.apply(&changed, &p, now); !ok {
		return a
	}
	return jsonAnswer(&changed)
}

// apply sets the fields that were sent and stores the user, or changes nothing
// and says why.
func (s *userStore) apply(u *user, p *userParams, now time.Time) (answer, bool) {
	if a, ok := u.setMetadata(p, replaceMetadata); !ok {
		return a, false
	}
	set(&u.Username, p.Username)
	set(&u.FirstName, p.FirstName)
	set(&u.LastName, p.LastName)
	set(&u.ExternalID, p.ExternalID)
	set(&u.PrimaryEmailAddressID, p.PrimaryEmailAddress)
	set(&u.PrimaryPhoneNumberID, p.PrimaryPhoneNumber)
	u.PasswordEnabled = u.PasswordEnabled || p.Password != nil || p.PasswordDigest != nil
	u.TOTPEnabled = u.TOTPEnabled || p.TOTPSecret != nil
	u.BackupCodeEnabled = u.BackupCodeEnabled || p.BackupCodes != nil
	u.TwoFactorEnabled = u.TOTPEnabled || u.BackupCodeEnabled
	if p.DeleteSelfEnabled != nil {
		u.DeleteSelfEnabled = *p.DeleteSelfEnabled
	}
	if p.CreateOrganization != nil {
		u.CreateOrganization = *p.CreateOrganization
	}
	if p.OrganizationsLimit != nil {
		u.OrganizationsLimit = p.OrganizationsLimit
	}
	if p.LegalAcceptedAt != nil {
		ms := p.LegalAcceptedAt.UnixMilli()
		u.LegalAcceptedAt = &ms
	}
	u.UpdatedAt = now.UnixMilli()

	for _, k := range u.claims() {
		if id, ok := s.taken[k]; ok && id != u.ID {
			param, _, _ := strings.Cut(k, ":")
			return identifierExists(param), false
		}
	}
	s.forget(u.ID)
	for _, k := range u.claims() {
		s.taken[k] = u.ID
	}
	s.byID[u.ID] = u
	return answer{}, true
}

func (s *userStore) delete(u *user) answer {
	s.forget(u.ID)
	return jsonAnswer(deleted{ID: u.ID, Object: "user", Deleted: true})
}

func (s *userStore) metadata(u *user, body []byte, now time.Time, how metadataRule) answer {
	var p userParams
	if json.Unmarshal(body, &p) != nil {
		return malformedBody()
	}
	changed := *u
	if a, ok := changed.setMetadata(&p, how); !ok {
		return a
	}
	changed.UpdatedAt = now.UnixMilli()
	*u = changed
	return jsonAnswer(u)
}

// forget drops a stored user and what it claims.
func (s *userStore) forget(id string) {
	if old, ok := s.byID[id]; ok {
		for _, k := range old.claims() {
			delete(s.taken, k)
		}
		delete(s.byID, id)
	}
}

func (s *userStore) identifier(kind, value string) identifier {
	i := identifier{
		ID:           s.id("idn_2"),
		Object:       kind,
		Verification: verification{Status: "verified", Strategy: "admin"},
		LinkedTo:     []struct{}{},
	}
	switch kind {
	case "email_address":
		i.EmailAddress = value
	case "phone_number":
		i.PhoneNumber = value
	default:
		i.Web3Wallet = value
	}
	return i
}

// id makes an identifier of the length and alphabet of Clerk's.
func (s *userStore) id(prefix string) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := []byte(prefix)
	for range 26 {
		id = append(id, alphabet[s.rand.IntN(len(alphabet))])
	}
	return string(id)
}

// patternMethod is the method of the endpoint: GET for a HEAD request.
func (c *call) patternMethod() string {
	m, _, _ := strings.Cut(c.endpoint, " ")
	return m
}

// values is the query, as far as it can be understood.
func (t *trip) values() url.Values {
	v, _ := url.ParseQuery(t.query)
	return v
}
