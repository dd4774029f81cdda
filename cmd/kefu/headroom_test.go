package main

import "testing"

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
