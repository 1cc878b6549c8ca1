package clerkthrottle

import (
	"strings"
	"testing"
)

func TestProductRuleIsToldByItsCode(t *testing.T) {
	for _, code := range []string{
		"signup_rate_limit_exceeded",
		"verification_code_too_many_requests",
		"verification_code_rate_limit_exceeded",
		"email_template_customization_rate_limited",
	} {
		for _, body := range []string{
			`{"errors":[{"message":"m","long_message":"l","code":"` + code + `"}],"clerk_trace_id":"t"}`,
			`{"errors":[{"code":"` + code + `","meta":{"name":"x"}}]}`,
			"\n {\"errors\" : [ {\"code\" : \"" + code + "\"} ] } \n",
			`{"errors":[{"code":"too_many_requests"},{"code":"` + code + `"}]}`, // mixed: waiting does not cure all of it
			`{"errors":[{"code":"` + code + `"},{"code":"too_many_requests"}]}`,
			`{"errors":[null,{},{"code":"` + code + `"}]}`,
		} {
			if !isProductRule([]byte(body)) {
				t.Errorf("%s: not a rule", body)
			}
		}
	}
}

func TestThroughputIsNoProductRule(t *testing.T) {
	for _, body := range []string{
		`{"errors":[{"message":"Too many requests","code":"too_many_requests"}],"clerk_trace_id":"t"}`,
		`{"errors":[{"message":"signup_rate_limit_exceeded","code":"too_many_requests"}]}`,
		`{"errors":[{"code":"SIGNUP_RATE_LIMIT_EXCEEDED"}]}`,
		`{"errors":[{"code":"signup_rate_limit_exceeded_"}]}`,
		`{"errors":[]}`, `{"errors":null}`, `{"errors":"signup_rate_limit_exceeded"}`, `{"errors":{}}`,
		`{"code":"signup_rate_limit_exceeded"}`,
		`[]`, `null`, `"signup_rate_limit_exceeded"`, `42`, ``, ` `, `{`,
		`{"errors":[{"code":"signup_rate_limit_exceeded"}`, // cut off
		"<html><body>429 signup_rate_limit_exceeded</body></html>",
		"error code: 1015", "\x00\xff\xfe",
		strings.Repeat("[", 20000),
	} {
		if isProductRule([]byte(body)) {
			t.Errorf("%.80q: a rule", body)
		}
	}
	if isProductRule(nil) {
		t.Error("no body: a rule")
	}
}
