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

// The values of columns, out of CSV's strings or JSON's types.

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

// says reports whether a value says anything.
func says(v any) bool {
	return !slices.Contains([]string{"", "false", "[]", "map[]", "<nil>"}, fmt.Sprint(v))
}

// toText reads what a person would take for text, without the space around it.
func toText(v any) (string, error) {
	switch v.(type) {
	case nil:
		return "", nil
	case string, json.Number, bool:
		return strings.TrimSpace(fmt.Sprint(v)), nil
	}
	return "", errors.New("want a string")
}

// toPassword is toText for what may begin or end with a space.
func toPassword(v any) (any, error) {
	if s, ok := v.(string); ok && s != "" {
		return s, nil
	}
	return scalar(asText)(v)
}

// scalar returns a function that reads a value from its text, if there is any.
func scalar(read func(string) (any, error)) func(any) (any, error) {
	return func(v any) (any, error) {
		s, err := toText(v)
		if err != nil || s == "" {
			return nil, err
		}
		return read(s)
	}
}

func asText(s string) (any, error) { return s, nil }

// maxList is more than any user has of anything.
const maxList = 100

// toList reads a JSON array, or what exports put into one CSV field: values
// between commas, semicolons, bars or spaces.
func toList(v any) (list []any, err error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); strings.HasPrefix(s, "[") {
			if err := decode(s, &v); err != nil {
				return nil, fmt.Errorf("not a JSON array: %w", err)
			}
		} else {
			v = nil
			for value := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(",;| ", r) }) {
				list = append(list, value)
			}
		}
	}
	if array, ok := v.([]any); ok {
		list = array
	} else if v != nil {
		list = []any{v}
	}
	if len(list) > maxList {
		return nil, fmt.Errorf("%d values, more than the %d that a user may have", len(list), maxList)
	}
	return list, nil
}

func toTexts(v any) (any, error) {
	list, err := toList(v)
	var texts []string
	for _, value := range list {
		s, bad := toText(value)
		if err = errors.Join(err, bad); s != "" {
			texts = append(texts, s)
		}
	}
	if texts == nil {
		return nil, err
	}
	return texts, err
}

// toObject reads metadata: a JSON object, in CSV as text, in which some
// exporters escape every quote.
func toObject(v any) (any, error) {
	if s, ok := v.(string); ok {
		if s = strings.TrimSpace(s); s == "" {
			return nil, nil
		}
		if decode(s, &v) != nil {
			_ = decode(strings.ReplaceAll(s, `\"`, `"`), &v) // else still the string
		}
	}
	o, ok := v.(map[string]any)
	switch {
	case !ok && v != nil:
		return nil, errors.New("want a JSON object")
	case len(o) == 0:
		return nil, nil
	}
	return o, nil
}

// decode keeps numbers as they are written.
func decode(s string, v any) error {
	decoder := json.NewDecoder(strings.NewReader(s))
	decoder.UseNumber()
	return decoder.Decode(v)
}

var (
	noWords  = []string{"false", "f", "no", "n", "0", "null", "never", "none", "off"}
	yesWords = []string{"true", "t", "yes", "y", "1", "on", "verified", "confirmed", "active", "enabled"}
	outWords = []string{"banned", "blocked", "disabled", "suspended", "inactive", "deactivated", "locked", "deleted"}
)

func toWord(v any) (string, error) {
	s, err := toText(v)
	return strings.ToLower(s), err
}

func asBool(s string) (any, error) {
	switch s := strings.ToLower(s); {
	case slices.Contains(yesWords, s):
		return true, nil
	case slices.Contains(noWords, s):
		return false, nil
	}
	return nil, fmt.Errorf("want true or false, not %q", s)
}

// clearly reports whether a value says yes: by a word, or by the moment at which
// something happened. Nothing else does.
func clearly(v any) bool {
	s, err := toWord(v)
	at, ok := toMoment(strings.ToUpper(s))
	return err == nil && (slices.Contains(yesWords, s) || ok && at.Year() > 1970 && at.Before(time.Now().Add(24*time.Hour)))
}

// possibly reports whether a value says anything but no. A moment counts: as one
// at which something happened.
func possibly(v any) bool {
	s, err := toWord(v)
	return err != nil || s != "" && !slices.Contains(noWords, s)
}

// lasts reports whether the end of a ban is still to come, as far as it can be
// read.
func lasts(v any) bool {
	s, _ := toText(v)
	if end, ok := toMoment(s); ok {
		return end.After(time.Now())
	}
	return possibly(v)
}

func keepsOut(v any) bool {
	s, err := toWord(v)
	return err != nil || slices.Contains(outWords, s)
}

func asInt(s string) (any, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, fmt.Errorf("want a whole number, not %q", s)
	}
	return n, nil
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

// asTime reads a moment into RFC 3339.
func asTime(s string) (any, error) {
	t, ok := toMoment(s)
	if !ok {
		return nil, fmt.Errorf("want a date such as 2024-06-29T20:25:06Z, not %q", s)
	}
	return t.Format(time.RFC3339Nano), nil
}
