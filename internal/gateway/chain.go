package gateway

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

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
	var (
		from   *target // the target that failed last
		cause  error   // why
		barred []string
	)
walk:
	for i, t := range ch.paid {
		if slices.Contains(barred, t.Provider) {
			continue
		}
		if err := g.timeLeft(ctx, c, t); err != nil {
			cause = worse(cause, err)
			break
		}
		if from != nil {
			g.obs.Fallback(from.Model, t.Model, llm.KindOf(cause))
		}
		reply, err := g.try(ctx, t, c, len(ch.paid)-1-i)
		if err == nil {
			return reply, nil
		}
		from, cause = t, worse(cause, err)
		switch decide(err) {
		case otherProvider:
			barred = append(barred, t.Provider)
		case stop:
			break walk
		}
	}
	return g.lastResort(ctx, ch, c, from, cause)
}

// try sends the call to one target, again where the failure says that it may
// then succeed. It leaves an attempt to each of the targets that wait.
func (g *Gateway) try(ctx context.Context, t *target, c llm.Call, waiting int) (*llm.Reply, error) {
	trimmed := false
	for retries := 0; ; {
		reply, err := t.start(ctx, c)
		if err == nil {
			return reply, nil
		}
		switch decide(err) {
		case sameTarget:
			if retries == g.config.Retries || c.Allowance.Left() <= waiting || !g.pause(ctx, c, retries, waiting, err) {
				return nil, err
			}
			retries++
		case trim:
			if trimmed || len(c.Prompt.Sources) < 2 {
				return nil, err
			}
			trimmed = true
			c.Prompt.Sources = c.Prompt.Sources[:len(c.Prompt.Sources)/2] // best first
		default:
			return nil, err
		}
		g.obs.Retry(t.Provider, llm.KindOf(err))
	}
}

// lastResort asks the target that needs neither time nor money.
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
		g.obs.Fallback(from.Model, ch.last.Model, llm.KindOf(cause))
	}
	// It answers in milliseconds, also when the deadline has just passed.
	reply, err := ch.last.start(context.WithoutCancel(ctx), c)
	if err != nil {
		return nil, err
	}
	reply.Degraded = reply.Degraded || len(ch.paid) > 0
	return reply, nil
}

// pause waits before retry number n (from 0) and reports whether it may be
// made: not when the wait is too long, since other targets could answer
// meanwhile, or would end too near the deadline.
func (g *Gateway) pause(ctx context.Context, c llm.Call, n, waiting int, err error) bool {
	wait, patience := backoff(g.config.Backoff, g.config.MaxBackoff, n), g.config.MaxBackoff
	if waiting > 0 {
		patience = min(patience, g.config.Backoff)
	}
	if asked := retryAfter(err); asked > patience {
		return false
	} else if asked > 0 {
		wait = asked + wait/8 // spread, but never earlier than asked
	}
	return sleep(ctx, wait, c.Allowance.Deadline(), g.config.Reserve)
}

// retryAfter is how long the vendor asked to wait.
func retryAfter(err error) time.Duration {
	var f *llm.Failure
	if errors.As(err, &f) {
		return f.RetryAfter
	}
	return 0
}

// backoff is a random wait below base·2ⁿ and below limit: full jitter.
func backoff(base, limit time.Duration, n int) time.Duration {
	return rand.N(min(base<<n, limit))
}

// sleep reports whether it waited to its end; it does not begin a wait that
// ends within reserve of the deadline.
func sleep(ctx context.Context, wait time.Duration, deadline time.Time, reserve time.Duration) bool {
	if !deadline.IsZero() && time.Until(deadline) <= wait+reserve {
		return false
	}
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
	if ctx.Err() == nil && (deadline.IsZero() || time.Until(deadline) > g.config.Reserve) {
		return nil
	}
	return &llm.Failure{Kind: llm.Exhausted, Provider: t.Provider, Model: t.Model, Err: llm.ErrNoTime}
}

// worse is the failure to report: an exhausted allowance says less than the
// failures that exhausted it.
func worse(before, now error) error {
	if before != nil && llm.KindOf(now) == llm.Exhausted {
		return before
	}
	return now
}
