package statuspage

import "net/url"

// query is what the reader asked of the table, as the page's address has it.
type query struct {
	filter string
	sort   string // a column's id; "" puts the busy first
	up     bool   // the smallest first; by default as the column has it
	all    bool
}

const maxFilter = 100

func queryOf(v url.Values) query {
	q := query{filter: v.Get("filter"), all: v.Get("all") != ""}
	if len(q.filter) > maxFilter {
		q.filter = q.filter[:maxFilter]
	}
	if c := columnOf(v.Get("sort")); c != nil {
		q.sort = c.id
		q.up = c.up
		if up := v.Get("up"); up != "" {
			q.up = up == "1"
		}
	}
	return q
}

// link returns a relative address that asks for q.
func (q query) link() string {
	v := url.Values{}
	if q.filter != "" {
		v.Set("filter", q.filter)
	}
	if q.sort != "" {
		v.Set("sort", q.sort)
	}
	if c := columnOf(q.sort); c != nil && q.up != c.up {
		v.Set("up", map[bool]string{true: "1", false: "0"}[q.up])
	}
	if q.all {
		v.Set("all", "1")
	}
	return "?" + v.Encode()
}

// sortedBy returns the query after a click on a column: its first order, then
// the other way, then the busy first again.
func (q query) sortedBy(c *column) query {
	switch {
	case q.sort != c.id:
		q.sort, q.up = c.id, c.up
	case q.up == c.up:
		q.up = !c.up
	default:
		q.sort, q.up = "", false
	}
	return q
}
