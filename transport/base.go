package transport

import (
	"net/http"
	"reflect"
)

// throttles reports whether a base is a [Transport], or hands its requests on to
// one: as far as its Unwrap method tells, or a field of its own that everybody can
// see, such as the Base of golang.org/x/oauth2.Transport.
func throttles(base http.RoundTripper) bool {
	const deep = 16 // wrappers may form a ring
	for range deep {
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

// fieldOf returns the exported field of a struct that holds a RoundTripper.
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
