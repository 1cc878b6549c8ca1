package transport

// outcome is how an attempt ended: it decides what happens to its tokens and to its
// endpoint's gate.
type outcome int

const (
	// failed: no answer, but the request may have reached the server. Its tokens come
	// back one window from now. The zero value.
	failed outcome = iota
	// unsent: the request certainly never left. Its tokens are free at once.
	unsent
	// answered: the server let the request through, whatever the status.
	answered
	// throttled: a 429 with a Retry-After.
	throttled
	// throttledBlind: a 429 without a Retry-After: the gate backs off on its own.
	throttledBlind
	// ruled: a 429 for a rule that waiting does not cure. It teaches no rate.
	ruled
)

// String returns what an [AnswerEvent] calls the outcome.
func (o outcome) String() string {
	switch o {
	case unsent:
		return "unsent"
	case answered:
		return "answered"
	case throttled, throttledBlind:
		return "throttled"
	case ruled:
		return "ruled"
	default:
		return "failed"
	}
}
