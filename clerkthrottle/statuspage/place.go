package statuspage

import (
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// placeOf returns what a key says beyond the name: whose limit it is, as
// "production 3fa9c1d27b04 user_2a".
func placeOf(key, name string) string {
	if key == name {
		return ""
	}
	if before, ok := strings.CutSuffix(key, " "+name); ok {
		return before
	}
	before, after, ok := strings.Cut(key, " "+name+" ")
	if !ok {
		return key
	}
	return before + " " + after
}

// commonPlace returns the words with which all places of a snapshot begin. They
// are said once, at the top, and need no repeating.
func commonPlace(s transport.Snapshot) string {
	var common []string
	first := true
	meet := func(place string) {
		words := strings.Fields(place)
		if first {
			common, first = words, false
			return
		}
		n := 0
		for n < min(len(common), len(words)) && common[n] == words[n] {
			n++
		}
		common = common[:n]
	}
	for _, l := range s.Limits {
		meet(placeOf(l.Key, l.Name))
	}
	for _, e := range s.Endpoints {
		meet(placeOf(e.Key, e.Endpoint))
	}
	return strings.Join(common, " ")
}

// within returns what is left of a place after the common words.
func within(place, common string) string {
	return strings.TrimSpace(strings.TrimPrefix(place, common))
}
