package clerktest

import (
	"encoding/json"
	"fmt"
)

// userFields are the fields of a user that are returned as sent.
var userFields = []string{"external_id", "username", "first_name", "last_name", "public_metadata", "private_metadata", "unsafe_metadata"}

// userAnswer answers an operation on users. None is stored: a user that is created or
// changed has an id and the fields that were sent; lists are empty.
func userAnswer(t *trip) (answer, bool) {
	id := ""
	switch {
	case t.endpoint == "GET /v1/users":
		return jsonAnswer([]any{}), true
	case t.endpoint == "POST /v1/users":
		id = fmt.Sprintf("user_%027d", t.n)
	case len(t.params) == 1 && userOperations[t.endpoint]:
		id = t.params[0]
	default:
		return answer{}, false
	}
	var sent map[string]json.RawMessage
	if len(t.body) > 0 && json.Unmarshal(t.body, &sent) != nil {
		return malformedBody, true
	}
	user := map[string]any{"id": id, "object": "user"}
	for _, field := range userFields {
		if value, ok := sent[field]; ok {
			user[field] = value
		}
	}
	return jsonAnswer(user), true
}

// userOperations are the operations on one user that answer with it.
var userOperations = map[string]bool{
	"GET /v1/users/{user_id}": true, "PATCH /v1/users/{user_id}": true,
	"PATCH /v1/users/{user_id}/metadata": true, "PUT /v1/users/{user_id}/metadata": true,
	"POST /v1/users/{user_id}/ban": true, "POST /v1/users/{user_id}/unban": true,
	"POST /v1/users/{user_id}/lock": true, "POST /v1/users/{user_id}/unlock": true,
}
