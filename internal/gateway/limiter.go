package gateway

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"kefu/internal/llm"
)

// Limits are what a vendor allows one key to ask of one model per minute. They are
// counted as vendors do, by token buckets that are full at the start, and within
// this process alone. Zero means no limit.
type Limits struct {
	Requests int
	Tokens   int // prompt and completion together
}

// limiter keeps calls within Limits. It takes the most tokens that a call may
// need, and gives back the rest once the vendor has counted them.
type limiter struct {
	provider, model   string
	requests, tokens  *rate.Limiter // nil: no limit
	patience, reserve time.Duration // Config.LimitWait and Config.Reserve
}

func newLimiter(provider, model string, l Limits, c Config) *limiter {
	return &limiter{
		provider: provider, model: model, requests: perMinute(l.Requests), tokens: perMinute(l.Tokens),
		patience: c.LimitWait, reserve: c.Reserve,
	}
}

func perMinute(n int) *rate.Limiter {
	if n <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(float64(n)/60), n)
}

// free reports whether a short call could go out now.
func (l *limiter) free() bool {
	return (l.requests == nil || l.requests.Tokens() >= 1) && (l.tokens == nil || l.tokens.Tokens() >= 1)
}

// admit waits until a call of that many tokens may go out and returns how many
// it took. It fails with ErrLimit, at once and taking nothing, when that would
// take longer than patience or leave less than reserve before the deadline.
func (l *limiter) admit(ctx context.Context, deadline time.Time, tokens int) (taken int, err error) {
	now := time.Now()
	var places [2]*rate.Reservation
	var wait time.Duration
	if l.requests != nil {
		places[0] = l.requests.ReserveN(now, 1)
		wait = places[0].DelayFrom(now)
	}
	if l.tokens != nil {
		taken = min(tokens, l.tokens.Burst()) // a call beyond the limit goes alone
		places[1] = l.tokens.ReserveN(now, taken)
		wait = max(wait, places[1].DelayFrom(now))
	}
	if wait == 0 {
		return taken, nil
	}
	if (wait <= l.patience || deadline.IsZero()) && fits(wait, deadline, l.reserve) && sleep(ctx, wait) {
		return taken, nil
	}
	for _, p := range places {
		if p != nil {
			p.CancelAt(now)
		}
	}
	return 0, l.refusal(ctx, wait)
}

// refusal is the failure of a call that was not sent: ErrLimit, or that of the
// caller who left or ran out of time while waiting.
func (l *limiter) refusal(ctx context.Context, wait time.Duration) error {
	f := &llm.Failure{Kind: llm.RateLimited, Provider: l.provider, Model: l.model, RetryAfter: wait, Err: ErrLimit}
	switch ctx.Err() {
	case context.Canceled:
		f.Kind, f.Err = llm.Cancelled, context.Cause(ctx)
	case context.DeadlineExceeded:
		f.Kind, f.Err = llm.TimedOut, llm.ErrNoTime
	}
	return f
}

// correct replaces the tokens that a call took by those it used.
func (l *limiter) correct(taken, used int) {
	if l.tokens != nil {
		l.tokens.ReserveN(time.Now(), used-taken)
	}
}

// limited keeps the calls of a target within its limits.
type limited struct {
	*limiter
	next llm.Provider
}

func (l limited) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	tokens := 0
	if l.tokens != nil {
		_, tokens = measure(c.Model, c.Prompt)
		tokens += c.MaxTokens
	}
	taken, err := l.admit(ctx, c.Allowance.Deadline(), tokens)
	if err != nil {
		return nil, err
	}
	reply, err := l.next.Start(ctx, c)
	switch {
	case err != nil:
		if !mayBeOwed(err) {
			l.correct(taken, 0)
		}
	case l.tokens != nil:
		atEnd(reply, c, func(err error) {
			if used := reply.Usage().Total(); err == nil && used > 0 {
				l.correct(taken, used)
			}
		})
	}
	return reply, err
}
