package gateway

import (
	"errors"

	"kefu/internal/llm"
)

// step is what to do after a failure. Whatever is decided, the last resort
// answers when no other target did, unless the caller has left.
type step uint8

const (
	otherModel    step = iota // the next target of the chain
	sameTarget                // the same call again, after a wait
	otherProvider             // the next target of another provider
	trim                      // the same target once more, with fewer sources
	stop                      // no target would do better
)

// decide is the one table of what follows from a failure.
func decide(err error) step {
	switch {
	case errors.Is(err, ErrOpen), errors.Is(err, ErrCooling), errors.Is(err, ErrLimit):
		return otherModel
	case errors.Is(err, llm.ErrNoMoney), errors.Is(err, llm.ErrNoPrice):
		return otherModel // a cheaper or a priced one may fit
	case errors.Is(err, llm.ErrNoLedger):
		return stop // spending could not be recorded for any target
	}
	switch llm.KindOf(err) {
	case llm.RateLimited, llm.Unavailable, llm.Cut:
		return sameTarget
	case llm.TimedOut, llm.InvalidReply, llm.ModelGone, llm.Unknown:
		return otherModel
	case llm.Unauthorised, llm.QuotaExhausted, llm.Unreachable, llm.Refused:
		return otherProvider // one key, one host, one policy for all its models
	case llm.ContextTooLong:
		return trim
	default: // llm.BadRequest, llm.Cancelled, llm.Exhausted
		return stop
	}
}

// providersFault reports failures that tell something about the health of the
// provider: those alone move its circuit breaker.
func providersFault(err error) bool {
	switch llm.KindOf(err) {
	case llm.Unavailable:
		return !errors.Is(err, llm.ErrNoLedger)
	case llm.TimedOut:
		return !errors.Is(err, llm.ErrNoTime)
	case llm.Unreachable, llm.InvalidReply, llm.Cut:
		return true
	default:
		return false
	}
}

// mayBeOwed reports failures after which the vendor may still charge for the
// call: it was read, and perhaps answered.
func mayBeOwed(err error) bool {
	switch llm.KindOf(err) {
	case llm.TimedOut, llm.Cancelled, llm.Cut, llm.InvalidReply, llm.Unknown:
		return true
	case llm.Refused: // by a filter on the completion, not on the request
		var f *llm.Failure
		return errors.As(err, &f) && f.Status == 0
	default:
		return false
	}
}
