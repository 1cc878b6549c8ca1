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
	if !seen && !full {
		seen = n.add(name)
	}
	if !seen {
		return method + " /{other}"
	}
	return name
}

// add remembers a name, unless others have taken the last places meanwhile.
func (n *names) add(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen = make(map[string]bool)
	}
	if len(n.seen) < maxNames {
		n.seen[name] = true
	}
	return n.seen[name]
}
