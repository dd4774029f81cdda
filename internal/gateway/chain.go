package gateway

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Start sends the call along the chain of its tier until a target answers.
// Everything it tries is drawn from the call's one Allowance. The error is the
// *llm.Failure of the last target that was reached, or a *desk.Error for a
// model or provider that is not configured.
func (g *Gateway) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	ch, err := g.chainOf(c)
	if err != nil {
		return nil, err
	}
	w := walk{Gateway: g, call: c, queue: ch.paid}
	var (
		from  *target // the target that failed last
		cause error   // why
	)
	for len(w.queue) > 0 {
		t := w.queue[0]
		w.queue = w.queue[1:]
		if err := g.timeLeft(ctx, c, t); err != nil {
			cause = worse(cause, err)
			break
		}
		if from != nil {
			from.decided(ctx, c, desk.StepFallback, t, cause)
		}
		reply, err := w.try(ctx, t)
		if err == nil {
			return reply, nil
		}
		from, cause = t, worse(cause, err)
		w.leave(t, err)
	}
	return g.lastResort(ctx, ch, c, from, cause)
}

// walk is one call on its way along a chain.
type walk struct {
	*Gateway
	call    llm.Call
	queue   []*target // targets that may still be asked
	retried int       // how often at the target being asked
	trimmed bool      // the call was shortened
	grown   bool      // it was given to a model with a larger context window
}

// try sends the call to one target, and again as long as its failures allow it.
func (w *walk) try(ctx context.Context, t *target) (*llm.Reply, error) {
	w.retried = 0
	var tried []*deployment
	for d := t.any(); ; {
		reply, err := t.start(ctx, w.call, d)
		if w.retried == 0 && !heldBack(err) {
			w.retries.called()
		}
		if err == nil {
			return reply, nil
		}
		tried = append(tried, d)
		if d = w.again(ctx, t, tried, err); d == nil {
			return nil, err
		}
	}
}

// again picks the deployment of t that the call is sent to after err; nil when the
// call should leave t. It keeps one attempt for each target left in the queue.
func (w *walk) again(ctx context.Context, t *target, tried []*deployment, err error) *deployment {
	if w.call.Allowance.Left() <= len(w.queue) {
		return nil
	}
	for _, s := range decide(err) {
		var d *deployment
		var did desk.Step
		switch s {
		case otherKey:
			d, did = t.pick(untried(tried)), desk.StepOtherDeployment
		case otherEndpoint:
			d, did = t.pick(elsewhere(tried)), desk.StepOtherDeployment
		case sameTarget:
			d, did = w.retry(ctx, t, tried, err), desk.StepRetry
		case trim:
			if did = desk.StepTrim; w.trim() {
				d = tried[len(tried)-1]
			}
		default:
			return nil
		}
		if d != nil {
			t.decided(ctx, w.call, did, t, err)
			return d
		}
	}
	return nil
}

// retry waits, then picks a deployment for the same call; nil when there may be no
// retry.
func (w *walk) retry(ctx context.Context, t *target, tried []*deployment, err error) *deployment {
	if w.retried == w.config.Retries || !w.pause(ctx, err) {
		return nil
	}
	w.retried++
	if d := t.pick(untried(tried)); d != nil {
		return d
	}
	return t.any()
}

// leave drops from the queue the targets that would fail as t did.
func (w *walk) leave(t *target, err error) {
	steps := decide(err)
	switch steps[len(steps)-1] {
	case otherProvider:
		w.queue = filter(w.queue, func(next *target) bool { return next.Provider != t.Provider })
	case largerModel:
		w.queue = w.larger(t)
	case stop:
		w.queue = nil
	}
}

// lastResort asks the chain's last resort. Without one, it returns cause.
func (g *Gateway) lastResort(ctx context.Context, ch chain, c llm.Call, from *target, cause error) (*llm.Reply, error) {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, &llm.Failure{Kind: llm.Cancelled, Provider: "gateway", Model: string(c.Tier), Err: context.Cause(ctx)}
	case ch.last == nil && cause == nil:
		return nil, &llm.Failure{Kind: llm.Unavailable, Provider: "gateway", Model: string(c.Tier), Err: ErrNoTarget}
	case ch.last == nil:
		return nil, cause
	}
	if from != nil {
		from.decided(ctx, c, desk.StepFallback, ch.last, cause)
	}
	// It answers in milliseconds, also when the deadline has just passed.
	reply, err := ch.last.start(context.WithoutCancel(ctx), c, ch.last.deployments[0])
	if err != nil {
		return nil, err
	}
	reply.Degraded = reply.Degraded || len(ch.paid) > 0
	return reply, nil
}

// pause waits before the next retry and reports whether it may be made. It may not
// when there were too many retries lately, when the vendor asks for too long a
// wait, since other targets could answer meanwhile, or when the wait would end too
// near the deadline.
func (w *walk) pause(ctx context.Context, err error) bool {
	wait, patience := w.config.backoff(w.retried), w.config.MaxBackoff
	if len(w.queue) > 0 {
		patience = min(patience, w.config.Backoff)
	}
	if asked := retryAfter(err); asked > patience {
		return false
	} else if asked > 0 {
		wait = asked + wait/8 // spread, but never earlier than asked
	}
	deadline := w.call.Allowance.Deadline()
	return fits(wait, deadline, w.config.Reserve) && w.retries.take() && sleep(ctx, wait)
}

// retryAfter is how long the vendor asked to wait.
func retryAfter(err error) time.Duration {
	var f *llm.Failure
	if errors.As(err, &f) {
		return f.RetryAfter
	}
	return 0
}

// backoff is a random wait before retry number n (from 0): full jitter.
func (c Config) backoff(n int) time.Duration {
	return rand.N(time.Duration(min(float64(c.Backoff)*math.Pow(c.Factor, float64(n)), float64(c.MaxBackoff))))
}

// fits reports whether a wait ends more than reserve before the deadline.
func fits(wait time.Duration, deadline time.Time, reserve time.Duration) bool {
	return deadline.IsZero() || time.Until(deadline) > wait+reserve
}

// sleep reports whether it waited to its end.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// timeLeft fails when the caller's context or the time for paid targets has
// ended.
func (g *Gateway) timeLeft(ctx context.Context, c llm.Call, t *target) error {
	deadline := c.Allowance.Deadline()
	if ctx.Err() == nil && fits(0, deadline, g.config.Reserve) {
		return nil
	}
	return &llm.Failure{Kind: llm.Exhausted, Provider: t.Provider, Model: t.Model, Err: llm.ErrNoTime}
}

// worse is the failure to report of two. An exhausted allowance says less than the
// failures before it, that used it up.
func worse(before, now error) error {
	if before != nil && llm.KindOf(now) == llm.Exhausted {
		return before
	}
	return now
}
