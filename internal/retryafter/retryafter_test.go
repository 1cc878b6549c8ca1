package retryafter

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"
)

// arrival is the wall time at which every response in these tests arrives.
var arrival = time.Date(2026, time.November, 6, 8, 49, 37, 0, time.UTC)

// The three forms of RFC 9110, section 5.6.7, for the same moment: 10 s after arrival.
const (
	imfFixdate = "Fri, 06 Nov 2026 08:49:47 GMT"
	rfc850     = "Friday, 06-Nov-26 08:49:47 GMT"
	asctime    = "Fri Nov  6 08:49:47 2026"
)

func header(retryAfter ...string) http.Header {
	return http.Header{"Retry-After": retryAfter}
}

func TestParseReadsWhatServersSend(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name   string
		values []string
		want   time.Duration
		ok     bool
	}{
		{"missing", nil, 0, false},
		{"empty", []string{""}, 0, false},
		{"blank", []string{" \t "}, 0, false},

		{"zero", []string{"0"}, 0, true},
		{"one", []string{"1"}, s, true},
		{"ten", []string{"10"}, 10 * s, true},
		{"leading zeros", []string{"0010"}, 10 * s, true},
		{"white space", []string{" \t10 "}, 10 * s, true},
		{"longest exact", []string{"315360000"}, Max, true},
		{"just too long", []string{"315360001"}, Max, true},

		{"fraction", []string{"1.5"}, 1500 * time.Millisecond, true},
		{"zero fraction", []string{"1.0"}, s, true},
		{"nanosecond", []string{"0.000000001"}, 1, true},
		{"fraction rounds up", []string{"0.0000000001"}, 1, true},
		{"late fraction rounds up", []string{"0.00000000100000000001"}, 2, true},
		{"fraction carries", []string{"1.9999999999"}, 2 * s, true},
		{"long zero fraction", []string{"1.000000000000"}, s, true},
		{"fraction above the maximum", []string{"315360000.1"}, Max, true},
		{"point first", []string{".5"}, 0, false},
		{"point last", []string{"1."}, 0, false},
		{"two points", []string{"1.2.3"}, 0, false},

		{"negative", []string{"-1"}, 0, false},
		{"negative zero", []string{"-0"}, 0, false},
		{"plus", []string{"+5"}, 0, false},
		{"exponent", []string{"1e9"}, 0, false},
		{"hexadecimal", []string{"0x10"}, 0, false},
		{"hexadecimal float", []string{"0x1p4"}, 0, false},
		{"underscore", []string{"1_000"}, 0, false},
		{"NaN", []string{"NaN"}, 0, false},
		{"infinity", []string{"Inf"}, 0, false},
		{"unit", []string{"10s"}, 0, false},
		{"two numbers", []string{"1 2"}, 0, false},
		{"quoted", []string{`"10"`}, 0, false},
		{"other digits", []string{"١٠"}, 0, false},
		{"words", []string{"soon, or a little later than that"}, 0, false},

		{"IMF-fixdate", []string{imfFixdate}, 10 * s, true},
		{"RFC 850 date", []string{rfc850}, 10 * s, true},
		{"asctime date", []string{asctime}, 10 * s, true},
		{"date in white space", []string{"\t" + imfFixdate + " "}, 10 * s, true},
		{"date that passed", []string{"Fri, 06 Nov 2026 08:49:36 GMT"}, 0, true},
		{"date long passed", []string{"Sun, 06 Nov 1994 08:49:37 GMT"}, 0, true},
		{"date of this moment", []string{"Fri, 06 Nov 2026 08:49:37 GMT"}, 0, true},
		{"date beyond all", []string{"Fri, 31 Dec 9999 23:59:59 GMT"}, Max, true},
		{"no such date", []string{"Fri, 66 Nov 2026 08:49:47 GMT"}, 0, false},
		{"RFC 3339 date", []string{"2026-11-06T08:49:47Z"}, 0, false},

		{"list", []string{"1, 2"}, 2 * s, true},
		{"list, longest first", []string{"3,2,1"}, 3 * s, true},
		{"list with holes", []string{",, 4 ,"}, 4 * s, true},
		{"list with garbage", []string{"x, 4, -5"}, 4 * s, true},
		{"list of garbage", []string{"x, -5"}, 0, false},
		{"seconds, then a date", []string{"3, " + imfFixdate}, 10 * s, true},
		{"a date, then seconds", []string{imfFixdate + ", 30"}, 30 * s, true},
		{"two dates", []string{asctime + ", " + rfc850}, 10 * s, true},

		{"two lines", []string{"1", "2"}, 2 * s, true},
		{"two lines, longest first", []string{"2", "1"}, 2 * s, true},
		{"a good line and a bad one", []string{"7", "x"}, 7 * s, true},
		{"lines of every kind", []string{"", "x", "1, 2", asctime, "0"}, 10 * s, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Parse(header(tt.values...), arrival)
			if got != tt.want || ok != tt.ok {
				t.Errorf("Parse(%q) = %v, %t, want %v, %t", tt.values, got, ok, tt.want, tt.ok)
			}
		})
	}
}

// https://github.com/hashicorp/go-retryablehttp/issues/297: from 9223372037 s on
// the product with time.Second turned negative and the retry ran hot.
func TestHugeSecondsDoNotOverflow(t *testing.T) {
	for _, v := range []string{
		"9223372036",
		"9223372037",
		"18446744073709551616",
		strings.Repeat("9", 400),
		strings.Repeat("9", 400) + ".9",
	} {
		if got, ok := Parse(header(v), arrival); got != Max || !ok {
			t.Errorf("Parse(%.30s) = %v, %t, want %v, true", v, got, ok, Max)
		}
	}
}

// A caller must be able to compute with the longest wait.
func TestMaxLeavesRoomForArithmetic(t *testing.T) {
	if doubled := 2 * Max; doubled <= Max {
		t.Errorf("2*Max = %v overflowed", doubled)
	}
	if end := arrival.Add(2 * Max); end.UnixNano() <= arrival.UnixNano() {
		t.Errorf("UnixNano of %v overflowed", end)
	}
	if Max.Seconds() >= math.MaxInt32 {
		t.Errorf("Max = %v does not fit 32-bit seconds", Max)
	}
}

// A clock that is an hour off, on either side, must not lengthen or void a wait.
func TestDateIsComparedWithTheServersClock(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, 0, time.Hour} {
		h := header(imfFixdate)
		h.Set("Date", arrival.Format(http.TimeFormat))
		if got, ok := Parse(h, arrival.Add(skew)); got != 10*time.Second || !ok {
			t.Errorf("with the client's clock off by %v: Parse = %v, %t, want 10s, true", skew, got, ok)
		}
	}
}

func TestDateHeaderMayHaveAnyForm(t *testing.T) {
	for _, layout := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		h := header(imfFixdate)
		h.Set("Date", " "+arrival.Format(layout))
		if got, _ := Parse(h, arrival.Add(time.Hour)); got != 10*time.Second {
			t.Errorf("Date: %s: Parse = %v, want 10s", h.Get("Date"), got)
		}
	}
}

func TestUnreadableDateHeaderFallsBackToNow(t *testing.T) {
	h := header(imfFixdate)
	h.Set("Date", "yesterday")
	if got, ok := Parse(h, arrival); got != 10*time.Second || !ok {
		t.Errorf("Parse = %v, %t, want 10s, true", got, ok)
	}
}

func TestDateHeaderDoesNotTouchSeconds(t *testing.T) {
	h := header("5")
	h.Set("Date", arrival.Add(-time.Hour).Format(http.TimeFormat))
	if got, ok := Parse(h, arrival); got != 5*time.Second || !ok {
		t.Errorf("Parse = %v, %t, want 5s, true", got, ok)
	}
}

// http.ParseTime reads "PST" as an unknown zone at UTC: eight hours too early.
func TestOtherZonesAreNotReadAsUTC(t *testing.T) {
	for _, zone := range []string{"PST", "CEST", "GMT+3", "+0000"} {
		for _, form := range []string{imfFixdate, rfc850} {
			v := strings.Replace(form, "GMT", zone, 1)
			if got, ok := Parse(header(v), arrival); ok {
				t.Errorf("Parse(%q) = %v, true, want false", v, got)
			}
		}
	}
}

func TestZoneOfNowDoesNotMatter(t *testing.T) {
	now := arrival.In(time.FixedZone("", 5*3600))
	if got, _ := Parse(header(imfFixdate), now); got != 10*time.Second {
		t.Errorf("Parse = %v, want 10s", got)
	}
}

func TestNilHeaderAsksForNothing(t *testing.T) {
	if got, ok := Parse(nil, arrival); got != 0 || ok {
		t.Errorf("Parse(nil) = %v, %t, want 0, false", got, ok)
	}
}

func BenchmarkParse(b *testing.B) {
	for name, v := range map[string]string{"seconds": "10", "date": imfFixdate} {
		h := header(v)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(h, arrival)
			}
		})
	}
}
