package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// measureSearch times the search alone, in this process: hybrid, one at a time,
// over chunks as writeDocuments makes them.
func measureSearch(ctx context.Context, o options, _ *lab) error {
	fmt.Println("\nhybrid search alone, 10 passages of 10000 chunks, one at a time")
	for _, s := range []struct {
		dimensions int
		bound      time.Duration
	}{{256, 15 * time.Millisecond}, {1536, 40 * time.Millisecond}} {
		if err := searchOne(ctx, o, s.dimensions, s.bound); err != nil {
			return err
		}
	}
	return nil
}

func searchOne(ctx context.Context, o options, dimensions int, bound time.Duration) error {
	rng := rand.New(rand.NewPCG(3, uint64(dimensions)))
	words := inventWords(rng)
	vector := func() []float32 {
		v := make([]float32, dimensions)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	items := make([]retrieval.Item, scaleChunks)
	for i := range items {
		var b strings.Builder
		writeSection(&b, rng, words)
		doc := desk.DocumentID(fmt.Sprintf("doc_%d", i/perDocument))
		items[i] = retrieval.Item{
			Passage: desk.Passage{Chunk: desk.Chunk{ID: desk.ChunkID(fmt.Sprintf("%s.%d", doc, i)), Document: doc, Text: b.String(), Lang: desk.English}, Title: "Guide"},
			Vector:  vector(),
		}
	}
	before := heap()
	start := time.Now()
	index, err := retrieval.New(retrieval.DefaultConfig(), items)
	if err != nil {
		return err
	}
	built, size := time.Since(start), heap()-before
	var took []time.Duration
	for deadline := time.Now().Add(max(o.each, 5*time.Second)); time.Now().Before(deadline) && ctx.Err() == nil; {
		text := fmt.Sprintf("Compare %s %s with %s and explain how %s differs", anyOf(rng, words), anyOf(rng, words), anyOf(rng, words), anyOf(rng, words))
		q := retrieval.Query{Text: text, Lang: desk.English, Vector: vector(), K: 10}
		start := time.Now()
		if _, err := index.Search(ctx, q); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	fmt.Printf("  %4d dimensions: p50 %s p99 %s of %d searches (bound ≤ %s), built in %.2f s, %.1f KB a chunk beside text and vector\n", dimensions,
		millis(float64(took[len(took)/2])), millis(float64(took[len(took)*99/100])), len(took), bound, built.Seconds(), float64(size)/scaleChunks/1024)
	return ctx.Err()
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func anyOf(rng *rand.Rand, words []string) string { return words[rng.IntN(len(words))] }
