package clerktest

import (
	"bytes"
	"encoding/json"
)

// A metadataRule makes the new metadata of the old and what was sent, or reports
// that what was sent is no object.
type metadataRule func(old, sent json.RawMessage) (json.RawMessage, bool)

// setMetadata applies a rule to each kind of metadata that was sent. If it
// returns false, u may be half changed.
func (u *user) setMetadata(p *userParams, rule metadataRule) (answer, bool) {
	for _, m := range []struct {
		name string
		sent json.RawMessage
		into *json.RawMessage
	}{
		{"public_metadata", p.PublicMetadata, &u.PublicMetadata},
		{"private_metadata", p.PrivateMetadata, &u.PrivateMetadata},
		{"unsafe_metadata", p.UnsafeMetadata, &u.UnsafeMetadata},
	} {
		if m.sent == nil {
			continue
		}
		made, ok := rule(*m.into, m.sent)
		if !ok {
			return invalidParam(m.name, "must be a JSON object."), false
		}
		*m.into = made
	}
	return answer{}, true
}

// replaceMetadata takes what was sent, which must be an object.
func replaceMetadata(_, sent json.RawMessage) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(sent, &object) != nil {
		return nil, false
	}
	if object == nil { // null
		return json.RawMessage(`{}`), true
	}
	return bytes.Clone(sent), true
}

// mergeMetadata merges deeply: objects key by key, everything else is replaced,
// and null removes a key.
func mergeMetadata(old, sent json.RawMessage) (json.RawMessage, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(sent, &object) != nil {
		return nil, false
	}
	merged := map[string]json.RawMessage{}
	if json.Unmarshal(old, &merged) != nil || merged == nil {
		merged = map[string]json.RawMessage{} // what was there was no object
	}
	for k, v := range object {
		switch {
		case string(v) == "null":
			delete(merged, k)
		case v[0] == '{':
			m, ok := mergeMetadata(merged[k], v)
			if !ok {
				return nil, false
			}
			merged[k] = m
		default:
			merged[k] = v
		}
	}
	return encode(merged), true
}
