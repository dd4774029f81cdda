package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is what the heap may grow by between two collections, in bytes.
// With Go's own 100 % a small knowledge base, 30 MB of live heap, is
// collected several times a second under load.
const headroom = 128 << 20

// keepHeadroom gives the collector a percentage and a limit that fit the live
// heap, until ctx ends; GOMEMLIMIT, where it is set, is the limit instead. It
// looks after each collection: a percentage for the heap of a quiet server would
// let that of a thousand streams grow several times as far.
func keepHeadroom(ctx context.Context) error {
	collected := make(chan struct{}, 1)
	announce(ctx, collected)
	last := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	set, bound := 0, int64(0)
	for {
		metrics.Read(last)
		scanned := last[0].Value.Uint64() + last[1].Value.Uint64() + last[2].Value.Uint64()
		if percent := collectAt(scanned); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		if limit := limitAt(scanned); limit != bound && os.Getenv("GOMEMLIMIT") == "" {
			bound = limit
			debug.SetMemoryLimit(limit)
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

// limitAt is the memory that the collector keeps the program within, by working
// more often where it must: a quarter more than a collection looks at and some
// room, at least enough for a small knowledge base under load. A burst of
// streams then costs their own memory and not twice that. It moves in steps like
// the percentage.
func limitAt(scanned uint64) int64 {
	const step, room, least = 32 << 20, 32 << 20, 192 << 20
	return int64(max((scanned*5/4+room)/step*step+step, least))
}
