package transport

// outcome is what became of a request, as far as its tokens and its endpoint's gate
// are concerned.
type outcome int

const (
	// failed: no answer came, and the request may have reached the server. Its
	// tokens come back one window from now. The zero value.
	failed outcome = iota
	// unsent: the request surely never left. Its tokens are free at once.
	unsent
	// answered: the server let the request through, whatever the status.
	answered
	// throttled: a 429 that came with a Retry-After.
	throttled
	// throttledBlind: a 429 that named no time: the gate backs off by itself.
	throttledBlind
	// ruled: a 429 for a rule that no waiting cures. It says nothing of the rate.
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
