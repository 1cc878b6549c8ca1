package transport

import (
	"net/http"
	"reflect"
)

// throttles reports whether a base is a [Transport] or wraps one, as far as its
// Unwrap method or an exported field shows, such as the Base of
// golang.org/x/oauth2.Transport.
func throttles(base http.RoundTripper) bool {
	const maxDepth = 16 // wrappers may form a ring
	for range maxDepth {
		switch b := base.(type) {
		case nil:
			return false
		case *Transport:
			return true
		case interface{ Unwrap() http.RoundTripper }:
			base = b.Unwrap()
		default:
			base = fieldOf(base)
		}
	}
	return false
}

// fieldOf returns the first RoundTripper in an exported field of a struct.
func fieldOf(base http.RoundTripper) http.RoundTripper {
	v := reflect.Indirect(reflect.ValueOf(base))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if next, ok := v.Field(i).Interface().(http.RoundTripper); ok && !reflect.ValueOf(next).IsZero() {
			return next
		}
	}
	return nil
}
