package llm

import (
	"errors"
	"fmt"
	"time"
)

// FailureKind is the closed set of ways in which a call fails.
type FailureKind string

const (
	RateLimited    FailureKind = "rate_limited"     // slow down; Retry-After may say how long
	QuotaExhausted FailureKind = "quota_exhausted"  // this key has nothing left
	ContextTooLong FailureKind = "context_too_long" // prompt beyond the model's window
	TimedOut       FailureKind = "timed_out"        // our limit on the attempt passed
	Unauthorised   FailureKind = "unauthorised"     // key refused
	Unavailable    FailureKind = "unavailable"      // 5xx, overloaded
	ModelGone      FailureKind = "model_gone"       // no such model, retired, or unable to do what is asked
	Refused        FailureKind = "content_refused"  // the vendor's content policy
	BadRequest     FailureKind = "bad_request"      // the vendor rejects the call as malformed
	InvalidReply   FailureKind = "invalid_reply"    // not JSON, empty, an error inside a 200
	Cut            FailureKind = "cut"              // ended without a finish reason
	Cancelled      FailureKind = "cancelled"        // the caller left
	Unreachable    FailureKind = "unreachable"      // DNS, TLS, refused connection
	Exhausted      FailureKind = "exhausted"        // no attempt, time or money left in the allowance
	Ungrounded     FailureKind = "ungrounded"       // whole, but the verifier found no support for it
	Unknown        FailureKind = "unknown"
)

// FailureKinds lists the set, for labels that are initialised to zero.
var FailureKinds = [...]FailureKind{
	RateLimited, QuotaExhausted, ContextTooLong, TimedOut, Unauthorised, Unavailable, ModelGone,
	Refused, BadRequest, InvalidReply, Cut, Cancelled, Unreachable, Exhausted, Ungrounded, Unknown,
}

// Failure is the error of every Provider and Embedder.
type Failure struct {
	Kind       FailureKind
	Provider   string
	Model      string
	Status     int           // HTTP status, 0 without one
	RetryAfter time.Duration // as the vendor asked, 0 when it did not
	Err        error         // cause; holds no prompt, key or response body
}

func (f *Failure) Error() string {
	s := fmt.Sprintf("%s/%s: %s", f.Provider, f.Model, f.Kind)
	if f.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

func (f *Failure) Unwrap() error { return f.Err }

// KindOf returns the kind of the Failure in err's chain, Unknown without one
// and "" for nil.
func KindOf(err error) FailureKind {
	if err == nil {
		return ""
	}
	var f *Failure
	if errors.As(err, &f) {
		return f.Kind
	}
	return Unknown
}
