package gateway

import (
	"errors"

	"kefu/internal/llm"
)

// step is what to do after a failure. Whatever is decided, the last resort
// answers when no other target did, unless the caller has left.
type step uint8

const (
	sameTarget    step = iota // the same call again, after a wait
	otherKey                  // another deployment of the model, at once
	otherEndpoint             // another deployment at another endpoint, at once
	trim                      // the same call once more, with fewer sources
	// With one of these the call leaves the target for good.
	otherModel    // to the next target of the chain
	otherProvider // to the next target of another provider
	largerModel   // to one whose context window is larger
	stop          // no target would do better
)

// decide is the one table of what follows from a failure: steps in the order
// in which they are considered, of which the first possible one is taken. The
// last one always is.
func decide(err error) []step {
	kind := llm.KindOf(err)
	switch {
	case kind == llm.Unauthorised, kind == llm.QuotaExhausted:
		return []step{otherKey, otherProvider} // one account for all its models
	case heldBack(err):
		return []step{otherKey, otherModel}
	case errors.Is(err, llm.ErrNoMoney), errors.Is(err, llm.ErrNoPrice):
		return []step{otherModel} // a cheaper or a priced one may fit
	case errors.Is(err, llm.ErrNoLedger):
		return []step{stop} // spending could not be recorded for any target
	}
	switch kind {
	case llm.RateLimited:
		return []step{otherKey, sameTarget, otherModel}
	case llm.Unavailable, llm.Cut:
		return []step{otherEndpoint, sameTarget, otherModel}
	case llm.TimedOut, llm.InvalidReply, llm.ModelGone, llm.Ungrounded, llm.Unknown:
		return []step{otherEndpoint, otherModel}
	case llm.Unreachable:
		return []step{otherEndpoint, otherProvider}
	case llm.Refused:
		return []step{otherProvider} // one policy for all its models
	case llm.ContextTooLong:
		return []step{trim, largerModel}
	default: // llm.BadRequest, llm.Cancelled, llm.Exhausted
		return []step{stop}
	}
}

// heldBack reports failures of calls that were not sent at all.
func heldBack(err error) bool {
	return errors.Is(err, ErrOpen) || errors.Is(err, ErrCooling) || errors.Is(err, ErrLimit)
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
