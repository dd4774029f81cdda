package gateway

import (
	"context"
	"slices"
	"sync"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// latencies are those of a model's latest whole replies. It is safe for
// concurrent use.
type latencies struct {
	mu     sync.Mutex
	recent [128]time.Duration
	seen   int
	p95    time.Duration
}

const (
	enoughLatencies = 20 // replies from which on a percentile is known
	stepLatencies   = 8  // it is computed anew after as many more
)

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recent[l.seen%len(l.recent)] = d
	l.seen++
	if l.seen < enoughLatencies || l.seen%stepLatencies != 0 && l.p95 > 0 {
		return
	}
	sorted := l.recent
	known := sorted[:min(l.seen, len(sorted))]
	slices.Sort(known)
	l.p95 = known[len(known)*95/100]
}

// usual is the 95th percentile; 0 while too few replies are known.
func (l *latencies) usual() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.p95
}

// hedge makes a second call, to another deployment if there is one, when a whole
// reply takes longer than the 95th percentile. The first reply wins; the other
// call is cancelled and settled before the winner is returned.
//
// failsafe-go's hedge policy does not do: it bounds the hedges in flight instead
// of their share of all calls, and does not wait for the loser to be settled.
type hedge struct {
	latencies
	allowed *share
}

func newHedge(part float64) *hedge { return &hedge{allowed: newShare(part, 0)} }

// answer is how one of two calls ended.
type answer struct {
	reply *llm.Reply
	err   error
}

// hedged is send with a second call where the first one is slow.
func (t *target) hedged(ctx context.Context, c llm.Call, d *deployment) (*llm.Reply, error) {
	h := t.hedge
	h.allowed.called()
	usual := h.usual()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan answer, 2)
	send := func(d *deployment) {
		begin := time.Now()
		reply, err := t.send(ctx, c, d)
		if err == nil || llm.KindOf(err) == llm.Cancelled { // a loser would have taken at least this long
			h.add(time.Since(begin))
		}
		answers <- answer{reply, err}
	}
	if usual == 0 {
		send(d)
		a := <-answers
		return a.reply, a.err
	}
	go send(d)
	timer := time.NewTimer(usual)
	defer timer.Stop()
	select {
	case a := <-answers:
		return a.reply, a.err
	case <-timer.C:
	}
	pending := 1
	if c.Allowance.Left() > 1 && h.allowed.take() { // one attempt stays for a fallback
		t.decided(ctx, c, desk.StepHedge, t, nil)
		other := t.pick(untried([]*deployment{d}))
		if other == nil {
			other = d
		}
		pending++
		go send(other)
	}
	won := answer{}
	for ; pending > 0; pending-- {
		switch a := <-answers; {
		case won.reply != nil: // came too late
		case a.err == nil:
			won = a
			cancel()
		case won.err == nil:
			won.err = a.err
		}
	}
	if won.reply != nil {
		return won.reply, nil
	}
	return nil, won.err
}
