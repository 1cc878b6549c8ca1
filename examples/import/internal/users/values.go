package users

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values of fields, out of CSV's strings or JSON's types.

// unwrap takes the value out of MongoDB's {"$oid": …} and {"$date": …}.
func unwrap(v any) any {
	if o, ok := v.(map[string]any); ok && len(o) == 1 {
		for _, name := range []string{"$oid", "$date", "$numberLong"} {
			if inner, ok := o[name]; ok {
				return unwrap(inner)
			}
		}
	}
	return v
}

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
// between commas, semicolons, bars or spaces.
func toList(v any) ([]any, error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); !strings.HasPrefix(s, "[") {
			var list []any
			for value := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(",;| ", r) }) {
				list = append(list, value)
			}
			return list, nil
		}
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return nil, fmt.Errorf("not a JSON array: %w", err)
		}
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	}
	return []any{v}, nil
}

// toObject reads metadata: a JSON object, in CSV as text, in which some
// exporters escape every quote.
func toObject(v any) (json.RawMessage, error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); s == "" || s == "null" {
			return nil, nil
		}
		err := decode(s, &v)
		if err != nil && strings.Contains(s, `\"`) && decode(strings.ReplaceAll(s, `\"`, `"`), &v) == nil {
			err = nil
		}
		if err != nil {
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

func decode(s string, v any) error {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	return decoder.Decode(v)
}

var (
	noWords  = []string{"false", "f", "no", "n", "0", "null", "never", "none", "off"}
	yesWords = []string{"true", "t", "yes", "y", "1", "on", "verified", "confirmed", "active", "enabled"}
)

// toWord is toText for what may be true or false in JSON.
func toWord(v any) (string, error) {
	if b, ok := v.(bool); ok {
		return strconv.FormatBool(b), nil
	}
	s, err := toText(v)
	return strings.ToLower(s), err
}

func toBool(v any) (*bool, error) {
	s, err := toWord(v)
	if err != nil || s == "" {
		return nil, err
	}
	yes := slices.Contains(yesWords, s)
	if !yes && !slices.Contains(noWords, s) {
		return nil, fmt.Errorf("want true or false, not %q", s)
	}
	return &yes, nil
}

// clearly reports whether a value says yes: by a word, or by the moment at which
// something happened. Nothing else does.
func clearly(v any) bool {
	s, err := toWord(v)
	if slices.Contains(yesWords, s) {
		return true
	}
	at, ok := toMoment(strings.ToUpper(s))
	return err == nil && ok && at.Year() > 1970 && at.Before(time.Now().Add(24*time.Hour))
}

// possibly reports whether a value says anything but no. A moment counts: as one
// at which something happened.
func possibly(v any) bool {
	s, err := toWord(v)
	return err != nil || s != "" && !slices.Contains(noWords, s)
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

// toMoment reads a date, or seconds or milliseconds since 1970.
func toMoment(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		const year5138 = 100_000_000_000 // in seconds; in milliseconds it is 1973
		if n < year5138 {
			return time.Unix(n, 0).UTC(), true
		}
		return time.UnixMilli(n).UTC(), true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// toTime reads a moment into RFC 3339.
func toTime(v any) (string, error) {
	s, err := toText(v)
	if err != nil || s == "" {
		return "", err
	}
	t, ok := toMoment(s)
	if !ok {
		return "", errors.New("want a date such as 2024-06-29T20:25:06Z, not " + strconv.Quote(s))
	}
	return t.Format(time.RFC3339Nano), nil
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
