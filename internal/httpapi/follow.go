package httpapi

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Why a stream that had begun broke off, a closed set for metrics. The end of the
// process is not in it, since nobody would read that metric any more.
const (
	clientGone = "client_gone" // the caller left
	slowReader = "slow_reader" // the caller did not take an event in time
	provider   = "provider"    // the language models failed
	timedOut   = "timed_out"   // the answer took too long
	overBudget = "budget"      // a cap was reached between two calls
	ourMistake = "internal"
)

// follow streams an answer. It emits events while they come, then calls whole with
// the answer, or broken if it fails. Nothing is written before the first event, so
// that an early failure is a problem like any other, and may be tried again.
func (api *API) follow(c *gin.Context, events *eventWriter, ask desk.Ask, emit desk.Emit, whole func(desk.Answer) error, broken func(problem)) {
	defer events.keepAlive()()
	aborted := ourMistake // unless it is set below: a panic
	defer func() {
		if aborted != "" && events.begun() {
			api.observer.StreamAborted(aborted)
		}
	}()
	ctx := c.Request.Context()
	ask.Stream = true
	a, err := api.answer(ctx, c, ask, emit)
	if err == nil {
		left := ctx.Err() // writing does not always fail after the caller has left
		aborted = events.aborted(ctx, cmp.Or(whole(a), left))
		return
	}
	aborted = events.aborted(ctx, err)
	if !events.begun() {
		api.fail(c, err)
		return
	}
	_ = c.Error(err)
	api.observer.Error(ctx, err)
	p, _ := newProblem(explained(ctx, err), RequestID(ctx))
	broken(p)
}

// aborted says why a stream broke off with err, empty if err is nil. That the
// caller left is known from a failed write or from the request's context; that they
// do not read, from a failed write alone.
func (ew *eventWriter) aborted(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	ew.mu.Lock()
	defer ew.mu.Unlock()
	switch kind := explained(ctx, err).Kind; {
	case errors.Is(ew.lost, os.ErrDeadlineExceeded):
		return slowReader
	case ew.lost != nil, ctx.Err() != nil:
		return clientGone
	case kind == desk.TimedOut:
		return timedOut
	case kind == desk.OverBudget:
		return overBudget
	case kind == desk.Internal:
		return ourMistake
	}
	return provider
}
