package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is what the heap may grow by between two collections, in bytes.
// With Go's own 100 % a small knowledge base, 30 MB of live heap, is
// collected several times a second under load.
const headroom = 128 << 20

// keepHeadroom gives the collector a percentage that fits the live heap, until
// ctx ends. GOMEMLIMIT still bounds the whole. It looks after each collection:
// a percentage for the heap of a quiet server would let that of a thousand
// streams grow several times as far.
func keepHeadroom(ctx context.Context) error {
	collected := make(chan struct{}, 1)
	announce(ctx, collected)
	last := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	set := 0
	for {
		metrics.Read(last)
		if percent := collectAt(last[0].Value.Uint64() + last[1].Value.Uint64() + last[2].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-collected:
		}
	}
}

// announce sends after every collection, until ctx ends: each of them
// finalises the value of the one before.
func announce(ctx context.Context, collected chan<- struct{}) {
	runtime.SetFinalizer(&collection{}, func(*collection) {
		select {
		case collected <- struct{}{}:
		default:
		}
		if ctx.Err() == nil {
			announce(ctx, collected)
		}
	})
}

// collection has a pointer, since small values without one share a block that
// lives as long as any of them.
type collection struct{ _ *byte }

// collectAt is the growth that leaves the headroom, in per cent of what a
// collection looks at: the live heap, stacks and globals. It is Go's own 100 at
// least, and moves in steps, since setting it stops the world.
func collectAt(scanned uint64) (percent int) {
	const step, least, most = 50, 100, 800
	if scanned == 0 {
		return most
	}
	return min(max(int(headroom*100/scanned)/step*step, least), most)
}
