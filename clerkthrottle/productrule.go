package clerkthrottle

import "encoding/json"

// productRules are the error codes of 429s that enforce a product rule rather than a
// rate limit: waiting for a token does not cure them.
var productRules = map[string]bool{
	"signup_rate_limit_exceeded":                true,
	"verification_code_too_many_requests":       true,
	"verification_code_rate_limit_exceeded":     true,
	"email_template_customization_rate_limited": true,
}

// isProductRule reports whether the body of a 429 names a product rule. A body that is
// not Clerk's JSON, such as one from a CDN, names none.
func isProductRule(body []byte) bool {
	var answer struct {
		Errors []struct {
			Code string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return false
	}
	for _, e := range answer.Errors {
		if productRules[e.Code] {
			return true
		}
	}
	return false
}
