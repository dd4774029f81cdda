package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// headroom is what the heap may grow by between two collections, in bytes.
	// With Go's own 100 % a small knowledge base, 30 MB of live heap, is
	// collected several times a second under load.
	headroom = 128 << 20
	// headroomEvery is how often the live heap is looked at.
	headroomEvery = 10 * time.Second
)

// keepHeadroom gives the collector a percentage that fits the live heap, until
// ctx ends. GOMEMLIMIT still bounds the whole.
func keepHeadroom(ctx context.Context) error {
	tick := time.NewTicker(headroomEvery)
	defer tick.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := 0
	for {
		metrics.Read(live)
		if percent := collectAt(live[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// collectAt is the growth, in per cent of the live heap, that leaves the
// headroom: Go's own 100 at least. It moves in steps, since setting it stops
// the world.
func collectAt(live uint64) (percent int) {
	const step, least, most = 50, 100, 800
	if live == 0 {
		return most
	}
	return min(max(int(headroom*100/live)/step*step, least), most)
}
