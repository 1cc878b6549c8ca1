package route

import "strings"

// Bounds on what [Fold] returns.
const (
	maxFoldSegments = 8  // the rest is {rest}
	maxFoldWord     = 32 // bytes, the length of the longest static segments in use

	// MaxFold is the maximum length of a folded path, in bytes.
	MaxFold = maxFoldSegments*(len("/")+maxFoldWord) + len("/{rest}")
)

// Fold makes a name for a path that matches no template: segments that look like ids
// become {id}, and everything after the eighth segment becomes one {rest}. So
// "/v2/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC" becomes "/v2/users/{id}".
//
// A segment stays only if it is plainly a word: at most 32 bytes of lower-case letters,
// '-', '_' and '.', with digits only in parts as short as "v1", "m2m" and "web3". In
// doubt it is an id: an id taken for a word makes a name for each resource, while a word
// taken for an id only merges two names.
//
// The result has a leading slash, no empty segment, no trailing slash and no query, is
// at most [MaxFold] bytes long, and folds to itself. The number of results is not
// bounded, since a user's name in lower case looks like a word: a caller that keeps
// state for each must bound it.
func Fold(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	var room [MaxFold]byte
	folded := room[:0]
	for n := 0; path != ""; {
		var seg string
		seg, path, _ = strings.Cut(path, "/")
		if seg == "" {
			continue
		}
		if n == maxFoldSegments {
			folded = append(folded, "/{rest}"...)
			break
		}
		n++
		folded = append(folded, '/')
		if isWord(seg) {
			folded = append(folded, seg...)
		} else {
			folded = append(folded, "{id}"...)
		}
	}
	if len(folded) == 0 {
		return "/"
	}
	return string(folded)
}

const (
	maxVersion = 4  // bytes of a part with digits, as in "v1" and "web3"
	minHex     = 16 // hexadecimal digits in a row that are likely an id, not a word
)

// isWord reports whether a segment is plainly a word. A part is a run of letters and
// digits.
func isWord(seg string) bool {
	if len(seg) > maxFoldWord {
		return false
	}
	var (
		letters bool // in the segment
		digits  bool // in this part
		part    int  // length of this part
		hex     int  // hexadecimal digits in a row, hyphens aside, as in a UUID
	)
	for _, c := range []byte(seg) {
		switch {
		case 'a' <= c && c <= 'z':
			letters = true
			part++
		case '0' <= c && c <= '9':
			if part == 0 {
				return false // "2fa" may be a word, but "2abc" rarely is
			}
			digits = true
			part++
		case c == '-' || c == '_' || c == '.':
			digits = false
			part = 0
		default:
			return false
		}
		if digits && part > maxVersion {
			return false
		}
		switch {
		case 'a' <= c && c <= 'f' || '0' <= c && c <= '9':
			hex++
		case c != '-':
			hex = 0
		}
		if hex >= minHex {
			return false
		}
	}
	return letters // "." and ".." are not words
}
