package telemetry

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"kefu/internal/desk"
)

const (
	// feedLength is how many events may wait for one listener.
	feedLength = 256
	// maxListeners bounds those who listen at a time.
	maxListeners = 16
)

// feed tells what happens to those who listen. Without one an event costs the
// look whether there is any.
type feed struct {
	listening atomic.Int32

	mu        sync.Mutex
	listeners map[chan desk.OpsEvent]bool
	states    map[stateOf]desk.OpsEvent // that hold until they change
	order     []stateOf
}

// stateOf names something that is in one state at a time.
type stateOf struct {
	kind                  desk.OpsKind
	name, provider, model string
	deployment            int
}

func newFeed() *feed {
	return &feed{listeners: map[chan desk.OpsEvent]bool{}, states: map[stateOf]desk.OpsEvent{}}
}

// heard tells whether anybody listens: else an event need not be made.
func (f *feed) heard() bool { return f.listening.Load() > 0 }

// tell gives e to all who listen. Whoever has not read the last 256 is dropped.
func (f *feed) tell(e desk.OpsEvent) {
	e.At = time.Now().UTC()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.send(e)
}

// settle is tell for a state, which is also told to those who come later.
func (f *feed) settle(e desk.OpsEvent) {
	e.At = time.Now().UTC()
	of := stateOf{e.Kind, e.Name, e.Provider, e.Model, e.Deployment}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.states[of]; !known {
		f.order = append(f.order, of)
	}
	f.states[of] = e
	f.send(e)
}

func (f *feed) send(e desk.OpsEvent) {
	for events := range f.listeners {
		select {
		case events <- e:
		default:
			f.leave(events)
		}
	}
}

func (f *feed) leave(events chan desk.OpsEvent) {
	if f.listeners[events] {
		delete(f.listeners, events)
		close(events)
		f.listening.Add(-1)
	}
}

// Listen gives the states as they are and all events from now on. The channel
// is closed when its reader is too slow, or calls stop. The error is a
// *desk.Error of kind Unavailable, code too_many_listeners.
func (t *Telemetry) Listen() (events <-chan desk.OpsEvent, stop func(), err error) {
	f := t.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) == maxListeners {
		return nil, nil, &desk.Error{
			Kind: desk.Unavailable, Code: "too_many_listeners", RetryAfter: 30 * time.Second, Public: "Too many listen to the events of this server already.",
		}
	}
	mine := make(chan desk.OpsEvent, feedLength+len(f.order))
	for _, of := range f.order {
		mine <- f.states[of]
	}
	f.listeners[mine] = true
	f.listening.Add(1)
	return mine, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.leave(mine)
	}, nil
}

// tellAttempt tells of a call that has ended.
func (t *Telemetry) tellAttempt(ctx context.Context, a desk.Attempt) {
	e := desk.OpsEvent{
		Kind: desk.OpsAttempt, Tenant: a.Tenant, Request: t.requestID(ctx), Answer: a.Answer, Provider: a.Provider, Model: a.Model,
		Purpose: a.Purpose, Attempt: a.Number, Outcome: outcome(a), LatencyMS: ms(a.Latency), Tokens: a.Usage.Total(),
	}
	if a.Priced {
		e.CostUSD = a.Cost.USD()
	}
	t.feed.tell(e)
}

// tellAnswer tells of a question that was answered.
func (t *Telemetry) tellAnswer(of desk.TenantID, a desk.Answer) {
	e := desk.OpsEvent{
		Kind: desk.OpsAnswer, Tenant: of, Answer: a.ID, Provider: a.Provider, Model: a.Model, Outcome: string(a.Outcome), Route: a.Route.Kind,
		Tier: a.CacheTier, Lang: a.Lang, LatencyMS: ms(a.Latency),
	}
	if a.CacheTier == "" {
		e.Tokens, e.CostUSD = a.Usage.Total(), a.Cost.USD()
	} else {
		e.SavedUSD = a.Cost.USD()
	}
	if a.Handoff != nil {
		e.Reason = string(a.Handoff.Reason)
	}
	t.feed.tell(e)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
