package httpapi

import (
	"context"
	"time"

	"github.com/gin-gonic/gin"

	"kefu/internal/desk"
)

// Happenings are what happens in this process.
type Happenings interface {
	// Listen gives how things stand and all events from now on; the channel is
	// closed when its reader is too slow. stop must be called. The error is a
	// *desk.Error.
	Listen() (events <-chan desk.OpsEvent, stop func(), err error)
}

const (
	// recheckEvery is how often a listener is asked whether it still may listen:
	// a key that has ended is of no use 5 s later.
	recheckEvery = 4 * time.Second
	// listenMost is how long one reply lasts: longer than anybody watches, and a
	// bound on how long a forgotten page keeps its session alive.
	listenMost = time.Hour
)

// beginEvent opens the stream: nothing may happen for a while.
type beginEvent struct {
	At time.Time `json:"at"`
}

// endEvent says why the stream ends: slow, shutdown or time.
type endEvent struct {
	Reason string `json:"reason"`
}

// events answers GET /ops/events: what happens in this process, as it happens.
func (api *API) events(c *gin.Context) {
	events, stop, err := api.cfg.Happenings.Listen()
	if err != nil {
		api.fail(c, err)
		return
	}
	defer stop()
	w := newEventWriter(c.Writer)
	defer w.keepAlive()()
	if w.write("begin", beginEvent{time.Now().UTC()}) == nil {
		api.relay(c, w, events)
	}
}

// relay writes events until the listener leaves, or must.
func (api *API) relay(c *gin.Context, w *eventWriter, events <-chan desk.OpsEvent) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), listenMost)
	defer cancel()
	check := time.NewTicker(recheckEvery)
	defer check.Stop()
	for {
		var err error
		select {
		case e, open := <-events:
			if !open {
				_ = w.write("end", endEvent{"slow"})
				return
			}
			err = w.write(string(e.Kind), e)
		case <-check.C:
			if _, err = api.callerWith(c, desk.RoleAdmin); err != nil {
				p, _ := newProblem(explained(ctx, err), RequestID(ctx))
				_ = w.write("error", p)
			}
		case <-api.drained:
			_ = w.write("end", endEvent{"shutdown"})
			return
		case <-ctx.Done():
			_ = w.write("end", endEvent{"time"}) // nobody reads it where the listener left
			return
		}
		if err != nil {
			return
		}
	}
}
