package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"

	"kefu/internal/e2e"
)

func TestASmallHeapMayGrowByAsMuchAsALargeOne(t *testing.T) {
	const mega = 1 << 20
	for live, want := range map[uint64]int{
		0: 800, 8 * mega: 800, 16 * mega: 800, 20 * mega: 600, 32 * mega: 400, 50 * mega: 250,
		64 * mega: 200, 128 * mega: 100, 1000 * mega: 100,
	} {
		if got := collectAt(live); got != want {
			t.Errorf("%d MiB are collected at %d %%, want %d", live/mega, got, want)
		}
	}
}

func TestMemoryIsBoundByAQuarterMoreThanIsInUse(t *testing.T) {
	const mega = 1 << 20
	for scanned, want := range map[uint64]int64{0: 192 * mega, 30 * mega: 192 * mega, 120 * mega: 192 * mega, 136 * mega: 224 * mega, 1000 * mega: 1312 * mega} {
		if got := limitAt(scanned); got != want {
			t.Errorf("%d MiB are kept within %d MiB, want %d", scanned/mega, got/mega, want/mega)
		}
	}
}

func TestAHeapThatGrewIsCollectedSooner(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = keepHeadroom(ctx) })
	defer running.Wait()
	defer stop()
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	runtime.GC()
	e2e.Eventually(t, "a small heap may grow by more than 100 %", func() bool { return percent() > 100 })
	held := make([]byte, 2*headroom)
	for range 2 { // the first one finds what the second one announces
		runtime.GC()
	}
	e2e.Eventually(t, "a large heap may grow by 100 %", func() bool { return percent() == 100 })
	runtime.KeepAlive(held)
}
