package route

import (
	"slices"
	"strings"
)

// node is a node in the template tree of one method. Its edges are the segments that
// can come next.
type node struct {
	route    int // 1 + the id of the template that ends here, 0 if none does
	static   map[string]*node
	suffixes []suffixEdge // longest first
	param    *node
}

// suffixEdge is a param with a static suffix.
type suffixEdge struct {
	suffix string
	next   *node
}

// child returns the node that the segment leads to, adding it if it is new.
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

// find returns node.route of the template below n that matches the non-empty rest of a
// path, or 0. It tries the edges in order of precedence, and backtracks from one that
// leads nowhere.
func (n *node) find(rest string) (route int) {
	seg, tail, more := strings.Cut(rest, "/")
	if next := n.static[seg]; next != nil {
		if route := next.follow(tail, more); route != 0 {
			return route
		}
	}
	for i := range n.suffixes {
		e := &n.suffixes[i]
		if len(seg) > len(e.suffix) && strings.HasSuffix(seg, e.suffix) {
			if route := e.next.follow(tail, more); route != 0 {
				return route
			}
		}
	}
	if n.param == nil || seg == "" {
		return 0
	}
	return n.param.follow(tail, more)
}

func (n *node) follow(tail string, more bool) (route int) {
	if more {
		return n.find(tail)
	}
	return n.route
}
