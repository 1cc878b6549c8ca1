package flags

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a flag for a number of bytes, such as 64MiB.
type Size int64

// The units of a [Size].
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

var units = []struct {
	name string
	size Size
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}}

// String implements [flag.Value].
func (s *Size) String() string {
	for _, u := range units {
		if *s >= u.size && *s%u.size == 0 {
			return fmt.Sprintf("%d%s", *s/u.size, u.name)
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Set implements [flag.Value].
func (s *Size) Set(text string) error {
	unit := Size(1)
	number := strings.TrimSpace(text)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
		return errors.New("want a size such as 64MiB")
	}
	*s = Size(n) * unit
	return nil
}
