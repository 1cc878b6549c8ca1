package clerkthrottle

import "sync"

// maxNames bounds how many endpoint names are made up for paths that no known
// operation describes. Clerk adds operations now and then; hundreds of unknown
// ones are a caller's ids that look like words.
const maxNames = 256

// names remembers the names that were made up, so that they stay few. It is
// safe for concurrent use.
type names struct {
	mu   sync.RWMutex
	seen map[string]bool
}

// name returns the endpoint name of a folded path, or, past the bound, one name
// that all further paths of the method share.
func (n *names) name(method, folded string) string {
	name := method + " " + folded
	n.mu.RLock()
	seen, full := n.seen[name], len(n.seen) >= maxNames
	n.mu.RUnlock()
	switch {
	case seen:
		return name
	case full:
		return method + " /{other}"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = make(map[string]bool)
	}
	n.seen[name] = true
	return name
}
