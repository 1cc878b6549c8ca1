package route

import "strings"

// Bounds on what [Fold] returns.
const (
	maxFoldSegments = 8  // kept, of a path; what follows is {rest}
	maxFoldWord     = 32 // bytes; the longest static segments in use are just that long

	// MaxFold is the largest length of a folded path.
	MaxFold = maxFoldSegments*(len("/")+maxFoldWord) + len("/{rest}")
)

// Fold makes a name for a path that no template describes: segments that look
// like ids become {id}, and whatever comes after the eighth segment becomes one
// {rest}. So "/v2/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC" is "/v2/users/{id}".
//
// A segment stays only if it is plainly a word: at most 32 bytes of lower-case
// letters, '-', '_' and '.', with digits only in parts as short as "v1", "m2m"
// and "web3". Everything else is taken for an id, since an id that passes for a
// word makes a name for each resource, and a word that passes for an id merely
// makes two names one.
//
// The result has a leading slash, no empty segment, no slash at its end and no
// query, is at most [MaxFold] bytes long, and folds to itself. Its length is
// bounded, but not the number of results: a name in lower-case letters cannot be
// told from a word. Who keeps something for each result bounds that as well.
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
	minHex     = 16 // digits in a row that are more likely a number than a word
)

// isWord reports whether a segment is plainly word-like. A part is a run of
// letters and digits.
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
				return false // "2fa" is a word now and then, "2abc" seldom
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
	return letters // "." and ".." are no words
}
