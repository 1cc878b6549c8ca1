package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress returns the address of the visitor that a request comes from.
//
// X-Forwarded-For is a list to which every proxy adds, at the end, the address
// that it was called from. Its beginning is whatever the visitor made up. So the
// list is worth as much as the proxies that one trusts: trustedHops says how
// many of them stand before this program, and the entry that the outermost of
// them added, the trustedHops-th from the end, is the visitor's. With 0 the list
// is ignored, and the visitor is whoever opened the connection.
//
// Too small a number lumps visitors together under a proxy's address, and too
// large a number lets every visitor choose an address, and with it a limit of
// his own: when in doubt, take the smaller.
func ClientAddress(r *http.Request, trustedHops int) string {
	if trustedHops > 0 {
		entries := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		// A list that is shorter was written by trusted proxies only.
		if a, ok := parse(entries[max(0, len(entries)-trustedHops)]); ok {
			return a
		}
	}
	if a, ok := parse(r.RemoteAddr); ok {
		return a
	}
	return ""
}

// parse reads an address with or without a port.
func parse(s string) (string, bool) {
	s = strings.TrimSpace(s)
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		ap, err := netip.ParseAddrPort(s)
		if err != nil {
			return "", false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone("").String(), true
}

// Neighbourhood returns what to call the client at an address: an IPv6 address's
// first 64 bits, since whoever has one has all that begin like it.
func Neighbourhood(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() {
		return address
	}
	prefix, _ := a.Prefix(64) // always has one
	return prefix.String()
}
