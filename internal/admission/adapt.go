package admission

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// adaptEvery is how often the places are adapted to the processors.
	adaptEvery = 100 * time.Millisecond
	// window is for how long, and up to twice that, what a tenant asked for is
	// kept for it.
	window = 30 * time.Second
	// tolerated is how long one of ten runnable goroutines may wait for a
	// processor.
	tolerated = 100 * time.Millisecond
	// perProcessor is how many compositions a processor is given in any case. One
	// takes about a millisecond of it, most of its time goes by at the provider.
	perProcessor = 128
)

func leastPlaces() int { return perProcessor * runtime.GOMAXPROCS(0) }

// Run adapts the gate until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	tick, turn := time.NewTicker(adaptEvery), time.NewTicker(window)
	defer tick.Stop()
	defer turn.Stop()
	waits := newWaits()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			g.adapt(waits.since())
		case <-turn.C:
			g.turn()
		}
	}
}

// adapt takes a tenth of the places in use away where goroutines waited longer
// for a processor than they should, and gives them back step by step.
func (g *Gate) adapt(waited time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	places := min(g.cfg.Concurrency, g.state.Places+g.state.Places/20+1)
	if waited > tolerated && g.state.Inside > g.least {
		places = max(g.least, min(g.state.Places, g.state.Inside*9/10))
	}
	if places != g.state.Places {
		g.state.Places = places
		g.divide()
		g.letIn()
	}
}

// waits reads how long runnable goroutines have waited for a processor.
type waits struct {
	sample [1]metrics.Sample
	counts []uint64
}

func newWaits() *waits {
	w := &waits{}
	w.sample[0].Name = "/sched/latencies:seconds"
	w.since()
	return w
}

// since is what nine of ten waits since the last call stayed below.
func (w *waits) since() time.Duration {
	metrics.Read(w.sample[:])
	h := w.sample[0].Value.Float64Histogram()
	if w.counts == nil {
		w.counts = make([]uint64, len(h.Counts))
	}
	var total uint64
	for i, n := range h.Counts {
		total += n - w.counts[i]
	}
	bound, seen := 0.0, uint64(0)
	for i, n := range h.Counts {
		seen += n - w.counts[i]
		if bound == 0 && seen*10 >= total*9 {
			bound = h.Buckets[i+1]
		}
		w.counts[i] = n
	}
	if math.IsInf(bound, 1) {
		bound = h.Buckets[len(h.Buckets)-2]
	}
	return time.Duration(bound * float64(time.Second))
}
