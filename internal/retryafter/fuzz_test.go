package retryafter

import (
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

var decimal = regexp.MustCompile(`\A[ \t]*([0-9]+(?:\.[0-9]+)?)[ \t]*\z`)

// oracleSeconds parses one number exactly, and rounds and clamps it at the end.
func oracleSeconds(s string) (time.Duration, bool) {
	m := decimal.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	r, _ := new(big.Rat).SetString(m[1])
	r.Mul(r, big.NewRat(int64(time.Second), 1))
	quotient, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		quotient.Add(quotient, big.NewInt(1))
	}
	if limit := big.NewInt(int64(Max)); quotient.Cmp(limit) > 0 {
		quotient = limit
	}
	return time.Duration(quotient.Int64()), true
}

// oracleDate parses one date by the layouts. A date must have as many commas as its
// layout: package time would also parse ",5" as a fraction.
func oracleDate(s string) (time.Time, bool) {
	for _, layout := range []string{
		"Mon, 02 Jan 2006 15:04:05 GMT",
		"Monday, 02-Jan-06 15:04:05 GMT",
		"Mon Jan _2 15:04:05 2006",
	} {
		t, err := time.Parse(layout, strings.Trim(s, " \t"))
		if err == nil && strings.Count(s, ",") == strings.Count(layout, ",") {
			return t, true
		}
	}
	return time.Time{}, false
}

// oracleWait returns the clamped time from one moment to another.
func oracleWait(from, to time.Time) time.Duration {
	d := new(big.Int).Sub(big.NewInt(to.Unix()), big.NewInt(from.Unix()))
	d.Mul(d, big.NewInt(int64(time.Second)))
	d.Add(d, big.NewInt(int64(to.Nanosecond()-from.Nanosecond())))
	switch {
	case d.Sign() < 0:
		return 0
	case d.Cmp(big.NewInt(int64(Max))) > 0:
		return Max
	}
	return time.Duration(d.Int64())
}

// oracle tries every run of one or two comma-separated items of every line.
func oracle(h http.Header, now time.Time) (longest time.Duration, found bool) {
	if t, ok := oracleDate(h.Get("Date")); ok {
		now = t
	}
	for _, line := range h["Retry-After"] {
		items := strings.Split(line, ",")
		for i := range items {
			if d, ok := oracleSeconds(items[i]); ok {
				longest, found = max(longest, d), true
			}
			for _, s := range []string{items[i], strings.Join(items[i:min(i+2, len(items))], ",")} {
				if t, ok := oracleDate(s); ok {
					longest, found = max(longest, oracleWait(now, t)), true
				}
			}
		}
	}
	return longest, found
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"", "0", "10", " 1.5 ", "1, 2", ",,3,", "-1", "+5", "1e9", "0x1p4", "1_000", "NaN",
		"9223372037", "315360000.0000000001", "0.00000000000000000001",
		imfFixdate, rfc850, asctime, "3, " + imfFixdate + ", 4", asctime + "," + rfc850,
		"Fri, 31 Dec 9999 23:59:59 GMT", "Friday, 06-Nov-26 08:49:47 PST", "Fri Nov 6 8:49:47,5 2026",
	} {
		f.Add(line, "", "")
		f.Add("1", line, imfFixdate)
	}
	f.Fuzz(func(t *testing.T, first, second, date string) {
		h := http.Header{"Retry-After": {first, second}, "Date": {date}}
		got, ok := Parse(h, arrival)
		want, wantOK := oracle(h, arrival)
		if got != want || ok != wantOK {
			t.Errorf("Parse(%q, %q, Date: %q) = %v, %t, want %v, %t", first, second, date, got, ok, want, wantOK)
		}
		if got < 0 || got > Max || !ok && got != 0 {
			t.Errorf("Parse(%q, %q) = %v, %t: out of bounds", first, second, got, ok)
		}
	})
}

func FuzzSeconds(f *testing.F) {
	for _, s := range []string{"", "0", "10", "1.5", ".5", "1.", "9223372037", "0.0000000001", "315359999.9999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseSeconds(trim(s))
		want, wantOK := oracleSeconds(s)
		if got != want || ok != wantOK {
			t.Errorf("parseSeconds(%q) = %d, %t, want %d, %t", s, got, ok, want, wantOK)
		}
	})
}
