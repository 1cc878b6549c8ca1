package clerktest

import (
	"encoding/json"
	"fmt"
)

// userFields are what a user has under the name and in the form in which it is sent.
var userFields = []string{"external_id", "username", "first_name", "last_name", "public_metadata", "private_metadata", "unsafe_metadata"}

// userAnswer answers an operation on users, of whom none is kept: one who is
// made or changed has an id and the fields that were sent; there are no others.
func userAnswer(t *trip) (answer, bool) {
	id := ""
	switch {
	case t.endpoint == "GET /v1/users":
		return jsonAnswer([]any{}), true
	case t.endpoint == "POST /v1/users":
		id = fmt.Sprintf("user_%027d", t.n)
	case len(t.params) == 1 && usersOwn[t.endpoint]:
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

// usersOwn are the operations that answer with the user they are about.
var usersOwn = map[string]bool{
	"GET /v1/users/{user_id}": true, "PATCH /v1/users/{user_id}": true,
	"PATCH /v1/users/{user_id}/metadata": true, "PUT /v1/users/{user_id}/metadata": true,
	"POST /v1/users/{user_id}/ban": true, "POST /v1/users/{user_id}/unban": true,
	"POST /v1/users/{user_id}/lock": true, "POST /v1/users/{user_id}/unlock": true,
}
