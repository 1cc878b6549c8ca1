package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The values of fields, out of CSV's strings or JSON's types.

func toText(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return v.String(), nil
	}
	return "", fmt.Errorf("want a string, not %s", kindOf(v))
}

// toList reads a JSON array, or what exports put into one CSV field: values
// between commas, semicolons, bars or spaces. A list of objects, as in Clerk's
// own user resource, gives their member of the given name.
func toList(v any, member string) ([]string, error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); !strings.HasPrefix(s, "[") {
			return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",;| ", r) }), nil
		}
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return nil, fmt.Errorf("not a JSON array: %w", err)
		}
	}
	values, ok := v.([]any)
	if !ok {
		s, err := toText(v)
		if s == "" {
			return nil, err
		}
		return []string{s}, err
	}
	var list []string
	for _, value := range values {
		if o, ok := value.(map[string]any); ok {
			value = o[member]
		}
		s, err := toText(value)
		if err != nil {
			return nil, err
		}
		if s != "" {
			list = append(list, s)
		}
	}
	return list, nil
}

// toObject reads metadata: a JSON object, in CSV as text.
func toObject(v any) (json.RawMessage, error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); s == "" || s == "null" {
			return nil, nil
		}
		decoder := json.NewDecoder(strings.NewReader(s))
		decoder.UseNumber()
		if err := decoder.Decode(&v); err != nil {
			return nil, fmt.Errorf("want a JSON object: %w", err)
		}
	}
	if v == nil {
		return nil, nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("want a JSON object, not %s", kindOf(v))
	}
	if len(o) == 0 {
		return nil, nil
	}
	return json.Marshal(o)
}

func toBool(v any) (*bool, error) {
	b, ok := v.(bool)
	if !ok {
		s, err := toText(v)
		if err != nil || s == "" {
			return nil, err
		}
		if b, err = strconv.ParseBool(strings.ToLower(s)); err != nil {
			return nil, fmt.Errorf("want true or false, not %q", s)
		}
	}
	return &b, nil
}

func toInt(v any) (*int, error) {
	s, err := toText(v)
	if err != nil || s == "" {
		return nil, err
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, fmt.Errorf("want a whole number, not %q", s)
	}
	return &n, nil
}

// timeLayouts are those of Clerk, Auth0 and Postgres.
var timeLayouts = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999 MST",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999",
	time.DateOnly,
}

// toTime reads a date, or seconds or milliseconds since 1970, into RFC 3339.
func toTime(v any) (string, error) {
	s, err := toText(v)
	if err != nil || s == "" {
		return "", err
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		const year5138 = 100_000_000_000 // in seconds; in milliseconds it is 1973
		if n < year5138 {
			n *= 1000
		}
		return time.UnixMilli(n).UTC().Format(time.RFC3339Nano), nil
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format(time.RFC3339Nano), nil
		}
	}
	return "", errors.New("want a date such as 2024-06-29T20:25:06Z, not " + strconv.Quote(s))
}

func kindOf(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case bool:
		return "true or false"
	default:
		return "a value of another kind"
	}
}
