package gateway

import (
	"context"
	"errors"
	"io"
	"time"

	"kefu/internal/llm"
)

// Timeouts bound one attempt. Zero values mean the defaults.
type Timeouts struct {
	Attempt    time.Duration // for a whole reply; default llm.DefaultAttemptTimeout
	FirstDelta time.Duration // for the first delta of a stream; default 10 s
	Idle       time.Duration // for the silence between deltas; default 15 s
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Attempt:    orDefault(t.Attempt, llm.DefaultAttemptTimeout),
		FirstDelta: orDefault(t.FirstDelta, 10*time.Second),
		Idle:       orDefault(t.Idle, 15*time.Second),
	}
}

var errSlow = errors.New("attempt took too long")

// timed ends attempts that exceed a limit with a Failure of kind TimedOut. Before
// its first delta, an attempt also ends reserve before the answer's deadline, so
// that the last resort has time; a stream under way may go on to the deadline.
// Keep-alives do not count as deltas.
type timed struct {
	next     llm.Provider
	limits   Timeouts
	reserve  time.Duration
	provider string
}

func (t timed) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	limit := t.limits.Attempt
	if c.Stream {
		limit = t.limits.FirstDelta
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := after(limit, c.Allowance.Deadline(), t.reserve, cancel)
	reply, err := t.next.Start(ctx, c)
	met := timer.Stop()
	if err != nil {
		err = overdue(ctx, t.provider, c.Model, err)
		cancel(nil)
		return nil, err
	}
	if !c.Stream { // a whole reply does not need the context any more
		cancel(nil)
		return reply, nil
	}
	if !met { // the limit passed just as the first delta came: the stream is dead
		reply.Close()
		<-ctx.Done() // the timer has fired, but may not have said so yet
		err := &llm.Failure{Kind: llm.Cancelled, Provider: t.provider, Model: c.Model, Err: context.Cause(ctx)}
		return nil, overdue(ctx, t.provider, c.Model, err)
	}
	reply.Wrap(func(rest llm.Stream) llm.Stream {
		return &idle{Stream: rest, of: t, ctx: ctx, cancel: cancel, model: c.Model, deadline: c.Allowance.Deadline()}
	})
	return reply, nil
}

// after calls cancel when limit has passed or, if that is sooner, reserve before
// the deadline. If the deadline leaves less than half of limit, the timeout is no
// fault of the provider: its cause is then llm.ErrNoTime instead of errSlow.
func after(limit time.Duration, deadline time.Time, reserve time.Duration, cancel context.CancelCauseFunc) *time.Timer {
	granted, cause := limit, errSlow
	if !deadline.IsZero() {
		granted = min(limit, time.Until(deadline)-reserve)
		if granted < limit/2 {
			cause = llm.ErrNoTime
		}
	}
	return time.AfterFunc(granted, func() { cancel(cause) })
}

// overdue returns the Failure of kind TimedOut if after ended the attempt, else
// err itself.
func overdue(ctx context.Context, provider, model string, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, errSlow) || errors.Is(cause, llm.ErrNoTime) {
		return &llm.Failure{Kind: llm.TimedOut, Provider: provider, Model: model, Err: cause}
	}
	return err
}

// idle bounds the silence between the deltas of a stream.
type idle struct {
	llm.Stream
	of       timed
	ctx      context.Context // of the attempt; the stream ends with it
	cancel   context.CancelCauseFunc
	model    string
	deadline time.Time
}

func (s *idle) Next() (llm.Delta, error) {
	timer := after(s.of.limits.Idle, s.deadline, 0, s.cancel)
	d, err := s.Stream.Next()
	timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = overdue(s.ctx, s.of.provider, s.model, err)
	}
	return d, err
}

func (s *idle) Close() error {
	err := s.Stream.Close()
	s.cancel(nil)
	return err
}
