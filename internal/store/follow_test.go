package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
	"kefu/internal/store"
)

// replica is a server that follows the knowledge base at cfg.
func replica(t *testing.T, cfg store.Config) (k *knowledge.Knowledge, stop func()) {
	t.Helper()
	k = knowledge.New(open(t, cfg).Documents(), "m", retrieval.DefaultConfig(), knowledge.WithLogger(quiet()), knowledge.WithLease(2*hung))
	if err := k.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k, run(t, k.Run)
}

func TestReplicasServeAPublishSoonAndAcknowledgeItWhenTheyDo(t *testing.T) {
	within := map[string]time.Duration{"sqlite": time.Second, "postgresql": 2 * time.Second}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			noLeaks(t) // so not in parallel
			cfg := place(t)
			operator := open(t, cfg)
			publish(t, operator, knowledgeBase(50, 4, 16))
			one, _ := replica(t, cfg)
			two, stopTwo := replica(t, cfg)
			// A replica that died: its lease ends by itself.
			if _, err := operator.Documents().Join(t.Context(), "dead", 0, time.Second); err != nil {
				t.Fatal(err)
			}
			if one.View(tenant).Documents() != 50 || one.View(tenant).Chunks() != 200 {
				t.Errorf("%d documents, %d chunks, want 50 and 200", one.View(tenant).Documents(), one.View(tenant).Chunks())
			}
			var took, published []time.Duration
			for n := range 5 {
				began := time.Now()
				rev := publish(t, operator, []desk.Prepared{document(fmt.Sprintf("new-%d", n), 2, 16)})
				start := time.Now()
				published = append(published, start.Sub(began))
				if err := operator.Documents().WaitAcknowledged(t.Context(), rev); err != nil {
					t.Fatal(err)
				}
				if n > 0 { // the first also waits for the dead one
					took = append(took, time.Since(start))
				}
				for _, k := range []*knowledge.Knowledge{one, two} {
					if got := k.View(tenant).Revision(); got != rev || !k.Fresh() {
						t.Errorf("acknowledged while at %d, want %d", got, rev)
					}
				}
			}
			slices.Sort(took)
			slices.Sort(published)
			t.Logf("published in %v, served by all after %v", published, took)
			if most := max(within[name], 10*published[2]); took[len(took)/2] > most { // the machine may be busy once, or slow
				t.Errorf("served by all after %v, want %v", took, most)
			}
			stopTwo()
			rev := publish(t, operator, nil, "new-0")
			ctx, cancel := context.WithTimeout(t.Context(), hung) // less than what is left of its lease
			defer cancel()
			if err := operator.Documents().WaitAcknowledged(ctx, rev); err != nil {
				t.Error("waited for a replica that left:", err)
			}
		})
	}
}

// BenchmarkStartWith10kChunksOf1536 is what a server does before it is ready: opening an up to
// date database, reading 10,000 chunks and indexing them.
func BenchmarkStartWith10kChunksOf1536(b *testing.B) {
	for name, place := range places {
		b.Run(name, func(b *testing.B) {
			cfg := place(b)
			db := open(b, cfg)
			for i := range 10 {
				put := make([]desk.Prepared, 50)
				for j := range put {
					put[j] = document(fmt.Sprintf("doc-%d-%d", i, j), 20, 1536)
				}
				if _, err := publishAll(b.Context(), db, tenant, put); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				db, err := store.Open(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				k := knowledge.New(db.Documents(), "m", retrieval.DefaultConfig())
				if err := k.CatchUp(b.Context()); err != nil || k.View(tenant).Chunks() != 10_000 {
					b.Fatal(err, k.View(tenant).Chunks())
				}
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
