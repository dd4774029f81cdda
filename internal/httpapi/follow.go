package httpapi

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Why a stream that had begun ended without its end, a closed set for metrics.
// That the process ends is none of them: nobody would come to read it.
const (
	clientGone = "client_gone" // the caller left
	slowReader = "slow_reader" // the caller did not take an event in time
	provider   = "provider"    // the language models failed
	timedOut   = "timed_out"   // the answer took too long
	overBudget = "budget"      // a cap was reached between two calls
	ourMistake = "internal"
)

// follow streams an answer: its events while they come, then whole, or broken
// where it fails. Until the first event nothing is written, so that an early
// failure is a problem like any other and a client may try again.
func (api *API) follow(c *gin.Context, events *eventWriter, ask desk.Ask, emit desk.Emit, whole func(desk.Answer) error, broken func(problem)) {
	defer events.keepAlive()()
	aborted := ourMistake // where it panics
	defer func() {
		if aborted != "" && events.begun() {
			api.observer.StreamAborted(aborted)
		}
	}()
	ctx := c.Request.Context()
	ask.Stream = true
	a, err := api.answer(ctx, c, ask, emit)
	if err == nil {
		left := ctx.Err() // of one who has left, writing may not tell
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

// aborted says why a stream ended with an error, empty for none. Of one who
// leaves, the end of the request's context may tell before writing does; of one
// who does not read, writing alone.
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
