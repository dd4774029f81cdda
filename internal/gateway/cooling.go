package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"kefu/internal/llm"
)

// maxCooling bounds how long a target is left alone, also where the vendor asks
// for hours: the reason may be gone long before.
const maxCooling = 5 * time.Minute

// cooled leaves a target alone for as long as the vendor asked with
// Retry-After, and for rest after the vendor refused the key or said that it
// has nothing left. Calls are refused with ErrCooling until then, at no cost.
type cooled struct {
	next llm.Provider
	rest time.Duration

	mu    sync.Mutex
	until time.Time
	cause *llm.Failure // why
}

func newCooled(next llm.Provider, rest time.Duration) *cooled {
	return &cooled{next: next, rest: rest}
}

func (d *cooled) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	if f := d.refusal(); f != nil {
		return nil, f
	}
	reply, err := d.next.Start(ctx, c)
	if err != nil {
		d.learn(err)
	}
	return reply, err
}

// refusal is the failure of a call that comes too early; nil when calls may pass.
func (d *cooled) refusal() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := time.Until(d.until)
	if left <= 0 {
		return nil
	}
	return &llm.Failure{
		Kind: d.cause.Kind, Provider: d.cause.Provider, Model: d.cause.Model, Status: d.cause.Status,
		RetryAfter: left, Err: ErrCooling,
	}
}

// learn takes from a failure how long to leave the target alone. Calls under way
// may be told different waits: the latest end holds.
func (d *cooled) learn(err error) {
	if heldBack(err) {
		return
	}
	wait := retryAfter(err)
	switch kind := llm.KindOf(err); kind {
	case llm.RateLimited, llm.Unavailable:
	case llm.Unauthorised, llm.QuotaExhausted:
		wait = max(wait, d.rest)
	default:
		return
	}
	until := time.Now().Add(min(wait, maxCooling))
	d.mu.Lock()
	defer d.mu.Unlock()
	if wait > 0 && until.After(d.until) {
		d.until = until
		d.cause, _ = errors.AsType[*llm.Failure](err)
	}
}
