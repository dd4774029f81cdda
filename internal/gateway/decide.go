package gateway

import (
	"errors"

	"kefu/internal/llm"
)

// step is what may be done after a failure. Whatever is decided, the last resort
// answers when no other target does, unless the caller has left.
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

// decide is the one table of what follows from a failure. It returns steps in the
// order of preference: the first that is possible is taken. The last one always
// is possible.
func decide(err error) []step {
	kind := llm.KindOf(err)
	switch {
	case kind == llm.Unauthorised, kind == llm.QuotaExhausted:
		return []step{otherKey, otherProvider} // a provider's models share one account
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
		return []step{otherProvider} // a provider's models share one content policy
	case llm.ContextTooLong:
		return []step{trim, largerModel}
	default: // llm.BadRequest, llm.Cancelled, llm.Exhausted
		return []step{stop}
	}
}

// heldBack reports whether the call was never sent: a breaker, a cool-down or a
// limit of ours refused it.
func heldBack(err error) bool {
	return errors.Is(err, ErrOpen) || errors.Is(err, ErrCooling) || errors.Is(err, ErrLimit)
}

// providersFault reports whether a failure says something about the health of the
// provider. Only such failures count for its circuit breaker.
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

// mayBeOwed reports whether the vendor may charge for the failed call, since it
// may have read and answered it.
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
