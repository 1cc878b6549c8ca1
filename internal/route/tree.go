package route

import (
	"slices"
	"strings"
)

// node is a place in the tree of templates of one method. Its edges are the
// segments that may come next.
type node struct {
	route    int // 1 + the id of the template that ends here, 0 if none does
	static   map[string]*node
	suffixes []suffixEdge // longest first
	param    *node
}

// suffixEdge is a param that ends in a static suffix.
type suffixEdge struct {
	suffix string
	next   *node
}

// child returns the node that the segment leads to, which it makes if need be.
func (n *node) child(s segment) *node {
	switch {
	case s.param == "":
		next := n.static[s.static]
		if next == nil {
			if n.static == nil {
				n.static = make(map[string]*node)
			}
			next = new(node)
			n.static[s.static] = next
		}
		return next
	case s.static == "":
		if n.param == nil {
			n.param = new(node)
		}
		return n.param
	}
	at := len(n.suffixes)
	for i, e := range n.suffixes {
		if e.suffix == s.static {
			return e.next
		}
		if at == len(n.suffixes) && len(e.suffix) < len(s.static) {
			at = i
		}
	}
	next := new(node)
	n.suffixes = slices.Insert(n.suffixes, at, suffixEdge{s.static, next})
	return next
}

// find fills in m if a template below n describes the rest of a path, which is
// not at its end. It tries the edges in the order of precedence, and takes back
// a param when the edge leads nowhere.
func (n *node) find(rest string, m *Match) bool {
	seg, tail, more := strings.Cut(rest, "/")
	if next := n.static[seg]; next != nil && next.follow(tail, more, m) {
		return true
	}
	for i := range n.suffixes {
		e := &n.suffixes[i]
		if len(seg) > len(e.suffix) && strings.HasSuffix(seg, e.suffix) &&
			e.next.followParam(seg[:len(seg)-len(e.suffix)], tail, more, m) {
			return true
		}
	}
	return n.param != nil && seg != "" && n.param.followParam(seg, tail, more, m)
}

func (n *node) followParam(value, tail string, more bool, m *Match) bool {
	// parseTemplate admits no template with more params than the array holds.
	m.params[m.n] = value
	m.n++
	if n.follow(tail, more, m) {
		return true
	}
	m.n--
	m.params[m.n] = ""
	return false
}

func (n *node) follow(tail string, more bool, m *Match) bool {
	if more {
		return n.find(tail, m)
	}
	m.ID = n.route - 1
	return n.route != 0
}
