package clerktest

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type userList struct {
	Data       []*user `json:"data"`
	TotalCount int     `json:"total_count"`
}

type totalCount struct {
	Object     string `json:"object"`
	TotalCount int    `json:"total_count"`
}

func (s *userStore) list(q url.Values) answer {
	limit, ok := number(q, "limit", 10)
	if !ok || limit < 1 || limit > 500 {
		return invalidParam("limit", "must be a number between 1 and 500.")
	}
	offset, ok := number(q, "offset", 0)
	if !ok || offset < 0 {
		return invalidParam("offset", "must be a number and not negative.")
	}
	less, ok := ordering(q.Get("order_by"))
	if !ok {
		return invalidParam("order_by", "does not name a field to sort by.")
	}
	found := s.find(q)
	slices.SortFunc(found, less)
	page := found[min(offset, len(found)):]
	page = page[:min(limit, len(page))]
	if q.Get("paginated") == "true" {
		return jsonAnswer(userList{Data: page, TotalCount: len(found)})
	}
	return jsonAnswer(page)
}

func (s *userStore) total(q url.Values) answer {
	return jsonAnswer(totalCount{Object: "total_count", TotalCount: len(s.find(q))})
}

// find gives the users that pass every filter, in no order; never nil, as an
// empty list is [] in JSON.
func (s *userStore) find(q url.Values) []*user {
	found := []*user{}
	for _, u := range s.byID {
		if u.passes(q) {
			found = append(found, u)
		}
	}
	return found
}

func (u *user) passes(q url.Values) bool {
	return oneOf(q["user_id"], u.ID) &&
		oneOf(q["email_address"], values(u.EmailAddresses)...) &&
		oneOf(q["phone_number"], values(u.PhoneNumbers)...) &&
		oneOf(q["web3_wallet"], values(u.Web3Wallets)...) &&
		oneOf(q["username"], text(u.Username)) &&
		oneOf(q["external_id"], text(u.ExternalID)) &&
		contains(q.Get("email_address_query"), values(u.EmailAddresses)...) &&
		contains(q.Get("phone_number_query"), values(u.PhoneNumbers)...) &&
		contains(q.Get("username_query"), text(u.Username)) &&
		contains(q.Get("name_query"), u.name()) &&
		contains(q.Get("query"), slices.Concat(
			[]string{u.ID, text(u.Username), text(u.ExternalID), u.name()},
			values(u.EmailAddresses), values(u.PhoneNumbers), values(u.Web3Wallets))...) &&
		(q.Get("banned") == "" || q.Get("banned") == strconv.FormatBool(u.Banned)) &&
		(q.Get("created_at_before") == "" || u.CreatedAt < millis(q, "created_at_before")) &&
		(q.Get("created_at_after") == "" || u.CreatedAt > millis(q, "created_at_after"))
}

// ordering reads order_by: a field, with - in front for descending. Users equal
// in the field are in the order of their creation, as is the default reversed.
func ordering(by string) (func(a, b *user) int, bool) {
	field, sign := strings.TrimPrefix(by, "+"), 1
	if rest, ok := strings.CutPrefix(by, "-"); ok {
		field, sign = rest, -1
	}
	var compare func(a, b *user) int
	switch field {
	case "":
		sign = -1
		compare = func(a, b *user) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) }
	case "created_at":
		compare = func(a, b *user) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) }
	case "updated_at":
		compare = func(a, b *user) int { return cmp.Compare(a.UpdatedAt, b.UpdatedAt) }
	case "email_address":
		compare = func(a, b *user) int { return slices.Compare(values(a.EmailAddresses), values(b.EmailAddresses)) }
	case "phone_number":
		compare = func(a, b *user) int { return slices.Compare(values(a.PhoneNumbers), values(b.PhoneNumbers)) }
	case "username":
		compare = func(a, b *user) int { return cmp.Compare(text(a.Username), text(b.Username)) }
	case "first_name":
		compare = func(a, b *user) int { return cmp.Compare(text(a.FirstName), text(b.FirstName)) }
	case "last_name":
		compare = func(a, b *user) int { return cmp.Compare(text(a.LastName), text(b.LastName)) }
	case "last_active_at", "last_sign_in_at": // never set
		compare = func(*user, *user) int { return 0 }
	default:
		return nil, false
	}
	return func(a, b *user) int {
		return sign * cmp.Or(compare(a, b), cmp.Compare(a.order, b.order))
	}, true
}

func (u *user) name() string {
	return strings.TrimSpace(text(u.FirstName) + " " + text(u.LastName))
}

func values(list []identifier) []string {
	var v []string
	for _, i := range list {
		v = append(v, i.EmailAddress+i.PhoneNumber+i.Web3Wallet) // one of them is set
	}
	return v
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// oneOf reports whether a filter is absent or names one of a user's values.
func oneOf(filter []string, have ...string) bool {
	if len(filter) == 0 {
		return true
	}
	return slices.ContainsFunc(have, func(h string) bool {
		return h != "" && slices.ContainsFunc(filter, func(f string) bool { return strings.EqualFold(f, h) })
	})
}

// contains reports whether a query is absent or part of one of a user's values.
func contains(query string, have ...string) bool {
	if query == "" {
		return true
	}
	query = strings.ToLower(query)
	return slices.ContainsFunc(have, func(h string) bool { return strings.Contains(strings.ToLower(h), query) })
}

func number(q url.Values, name string, otherwise int) (int, bool) {
	v := q.Get(name)
	if v == "" {
		return otherwise, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil
}

func millis(q url.Values, name string) int64 {
	n, _ := strconv.ParseInt(q.Get(name), 10, 64)
	return n
}
