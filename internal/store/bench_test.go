package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func BenchmarkPublish1000ChunksOf512(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			put := knowledgeBase(10, 100, 512)
			for n := 0; b.Loop(); n++ {
				for i := range put {
					put[i].Document.Hash = fmt.Sprint(n)
				}
				if _, err := publishAll(b.Context(), db, desk.DefaultTenant, put); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad10kChunksOf1536(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			for part := range slices.Chunk(knowledgeBase(500, 20, 1536), 50) {
				if _, err := publishAll(b.Context(), db, desk.DefaultTenant, part); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				delta, err := db.Documents().Changes(b.Context(), "m", 0)
				if err != nil || len(delta.Items[desk.DefaultTenant]) != 10_000 {
					b.Fatal(err, len(delta.Items[desk.DefaultTenant]))
				}
			}
		})
	}
}

// BenchmarkRecord is all the SQL of one question: its attempt begins and ends
// and its answer is recorded. An upstream of 50 ms stands between, as in a real
// answer.
func BenchmarkRecord(b *testing.B) {
	for name, open := range engines {
		for _, callers := range []int{1, 32, 256} {
			b.Run(fmt.Sprintf("%s/%d callers", name, callers), func(b *testing.B) {
				benchmarkRecord(b, open(b), callers)
			})
		}
	}
}

func benchmarkRecord(b *testing.B, db *store.DB, callers int) {
	ledger := db.Ledger()
	rec := store.NewRecorder(db.Answers(), quiet())
	ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
	var owned sync.WaitGroup
	owned.Go(func() { ledger.Run(ctx) })
	owned.Go(func() { rec.Run(ctx) })

	waits := make([]time.Duration, b.N)
	next := make(chan int)
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for i := range next {
				a := attempt(fmt.Sprintf("%d_%d", i, rand.Uint64()))
				start := time.Now()
				if err := ledger.Begin(ctx, a); err != nil {
					b.Error(err)
				}
				waits[i] = time.Since(start)
				time.Sleep(50 * time.Millisecond)
				ledger.End(ended(a))
				rec.Record(record(string(a.ID)))
			}
		})
	}
	before := cpu()
	b.ResetTimer()
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
	stop()
	owned.Wait()
	slices.Sort(waits)
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "begin-p50-µs")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "begin-p99-µs")
	if n := rec.Dropped(); n > 0 {
		b.Errorf("%d answers dropped", n)
	}
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWaitBesideStage is how long other writes wait while documents of
// 4,000 chunks, 2 MB of text, are staged.
func BenchmarkWaitBesideStage(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db, waits := open(b), []time.Duration(nil)
			ctx, stop := context.WithCancel(context.WithoutCancel(b.Context()))
			var owned sync.WaitGroup
			owned.Go(func() { db.Ledger().Run(ctx) })
			defer func() { stop(); owned.Wait() }()
			for i := range b.N {
				p := document(fmt.Sprint("large ", i), 4000, 256)
				for j := range p.Chunks {
					p.Chunks[j].Text += strings.Repeat(" and more of it", 30)
				}
				staged := make(chan error, 1)
				go func() { staged <- db.Documents().Stage(b.Context(), tenant, []desk.Prepared{p}) }()
				for j, done := 0, false; !done; j++ {
					start := time.Now()
					if err := db.Ledger().Begin(b.Context(), attempt(fmt.Sprintf("%d_%d", i, j))); err != nil {
						b.Fatal(err)
					}
					waits = append(waits, time.Since(start))
					select {
					case err := <-staged:
						if err != nil {
							b.Fatal(err)
						}
						done = true
					case <-time.After(time.Millisecond):
					}
				}
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "wait-p50-µs")
			b.ReportMetric(float64(waits[len(waits)*9/10].Microseconds()), "wait-p90-µs")
			b.ReportMetric(float64(waits[len(waits)-1].Microseconds()), "wait-max-µs")
		})
	}
}
