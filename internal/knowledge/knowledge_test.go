package knowledge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/retrieval"
)

func newKnowledge(src knowledge.Source, opts ...knowledge.Option) *knowledge.Knowledge {
	quiet := knowledge.WithLogger(slog.New(slog.DiscardHandler))
	return knowledge.New(src, "m", retrieval.DefaultConfig(), append(opts, quiet)...)
}

func catchUp(t testing.TB, k *knowledge.Knowledge) *knowledge.View {
	t.Helper()
	if err := k.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k.View(tenant)
}

type published [][3]int

func (p *published) Published(documents, _, chunks int, rev desk.Revision) {
	*p = append(*p, [3]int{documents, chunks, int(rev)})
}

func TestAViewFollowsWhatIsPublished(t *testing.T) {
	src := newMemory()
	var seen published
	k := newKnowledge(src, knowledge.WithObserver(&seen))
	if v := k.View("nobody"); v.Documents() != 0 || v.Chunks() != 0 || v.Revision() != 0 || v.Lexical("refund", 3) != nil {
		t.Errorf("the view of an unknown tenant is not empty: %+v", v)
	}
	steps := []struct {
		publish           map[desk.DocumentID][]string
		documents, chunks int
		found             []desk.ChunkID // for "refund"
	}{
		{map[desk.DocumentID][]string{"a": {"refund in days", "shipping"}, "b": {"warranty"}}, 2, 3, []desk.ChunkID{"a#0"}},
		{map[desk.DocumentID][]string{"a": {"shipping"}, "c": {"refund"}}, 3, 3, []desk.ChunkID{"c#0"}},
		{map[desk.DocumentID][]string{"c": nil, "never": nil}, 2, 2, nil},
		{map[desk.DocumentID][]string{"a": nil, "b": nil}, 0, 0, nil},
		{map[desk.DocumentID][]string{"a": {"refund"}}, 1, 1, []desk.ChunkID{"a#0"}},
	}
	var want published
	for i, step := range steps {
		rev := src.publish(step.publish)
		v := catchUp(t, k)
		if v.Documents() != step.documents || v.Chunks() != step.chunks || v.Revision() != rev {
			t.Errorf("step %d: %d documents, %d chunks, revision %d, want %d, %d, %d",
				i, v.Documents(), v.Chunks(), v.Revision(), step.documents, step.chunks, rev)
		}
		if found := chunks(v.Lexical("refund", 9)); !slices.Equal(found, step.found) {
			t.Errorf("step %d: found %v, want %v", i, found, step.found)
		}
		passages, err := v.Search(t.Context(), retrieval.Query{Text: "refund", K: 9})
		if found := chunks(passages); err != nil || !slices.Equal(found, step.found) {
			t.Errorf("step %d: search found %v, %v, want %v", i, found, err, step.found)
		}
		want = append(want, [3]int{step.documents, step.chunks, int(rev)})
	}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
}

func chunks(passages []desk.Passage) (ids []desk.ChunkID) {
	for _, p := range passages {
		ids = append(ids, p.ID)
	}
	return ids
}

func TestAReaderNeverSeesHalfOfAPublish(t *testing.T) {
	src := newMemory()
	const documents, publishes = 20, 60
	generation := func(n int) map[desk.DocumentID][]string {
		docs := make(map[desk.DocumentID][]string)
		for i := range documents {
			docs[desk.DocumentID(fmt.Sprintf("doc-%d", i))] = []string{fmt.Sprintf("returns of generation g%d", n), "other words"}
		}
		return docs
	}
	src.publish(generation(0))
	k := newKnowledge(src)
	catchUp(t, k)

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				checkWhole(t, k.View(tenant), documents)
			}
		})
	}
	for n := range publishes {
		src.publish(generation(n + 1))
		catchUp(t, k)
	}
	stop()
	wg.Wait()
}

// checkWhole looks twice at one view: all documents are of its revision.
func checkWhole(t *testing.T, v *knowledge.View, documents int) {
	for range 2 {
		passages, err := v.Search(context.Background(), retrieval.Query{Text: "returns", K: 2 * documents})
		if err != nil || len(passages) != documents || v.Documents() != documents {
			t.Errorf("found %d passages in %d documents, %v, want %d", len(passages), v.Documents(), err, documents)
			return
		}
		for _, p := range passages {
			if p.Revision != v.Revision() {
				t.Errorf("passage of revision %d in the view of %d", p.Revision, v.Revision())
				return
			}
		}
	}
}

func TestAFailedCatchUpChangesNothing(t *testing.T) {
	src := newMemory()
	src.publish(map[desk.DocumentID][]string{"a": {"refund"}})
	k := newKnowledge(src)
	before := catchUp(t, k)
	src.publish(map[desk.DocumentID][]string{"a": {"changed"}})
	src.setDown(true)
	if err := k.CatchUp(t.Context()); err == nil {
		t.Fatal("caught up with a source that is down")
	}
	if k.View(tenant) != before {
		t.Error("the view changed")
	}
}

func TestAReplicaServesAPublishBeforeItAcknowledgesIt(t *testing.T) {
	src := newMemory()
	src.publish(map[desk.DocumentID][]string{"a": {"refund"}})
	k := newKnowledge(src)
	catchUp(t, k)
	rev := src.publish(map[desk.DocumentID][]string{"a": {"changed"}})
	src.beforeJoin = func() {
		if got := k.View(tenant).Revision(); got != rev {
			t.Errorf("acknowledging %d while serving %d", rev, got)
		}
	}
	catchUp(t, k)
}

func TestAPublishBetweenReadingAndJoiningIsNotMissed(t *testing.T) {
	src := newMemory()
	src.publish(map[desk.DocumentID][]string{"a": {"refund"}})
	k := newKnowledge(src)
	var rev desk.Revision
	// The publisher sees no live lease, so it does not wait for this replica.
	src.beforeJoin = func() { rev = src.publish(map[desk.DocumentID][]string{"a": {"changed"}}) }
	if v := catchUp(t, k); v.Revision() != rev || !k.Fresh() {
		t.Errorf("fresh at revision %d, want %d", v.Revision(), rev)
	}
}

func TestAnExpiredLeaseIsFreshAgainOnlyOnceCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory()
		src.publish(map[desk.DocumentID][]string{"a": {"refund"}})
		k := newKnowledge(src, knowledge.WithLease(9*time.Second))
		if k.Fresh() {
			t.Error("fresh before the first catch-up")
		}
		catchUp(t, k)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := k.Run(ctx); err != nil {
				t.Error(err)
			}
		})

		time.Sleep(time.Minute) // of the bubble's clock
		if !k.Fresh() || len(src.live()) != 1 {
			t.Errorf("after a quiet minute: fresh = %v, %d live leases, want one", k.Fresh(), len(src.live()))
		}
		src.setDown(true)
		time.Sleep(10 * time.Second)
		if k.Fresh() || len(src.live()) != 0 {
			t.Errorf("after an outage: fresh = %v, %d live leases, want none", k.Fresh(), len(src.live()))
		}
		rev := src.publish(map[desk.DocumentID][]string{"a": {"changed"}})
		src.setDown(false)
		time.Sleep(4 * time.Second)
		if !k.Fresh() || k.View(tenant).Revision() != rev || !slices.Equal(src.live(), []desk.Revision{rev}) {
			t.Errorf("after the outage: fresh = %v at %d, leases %v, want %d", k.Fresh(), k.View(tenant).Revision(), src.live(), rev)
		}
		stop()
		wg.Wait()
		if k.Fresh() || len(src.live()) != 0 {
			t.Errorf("after leaving: fresh = %v, %d live leases, want none", k.Fresh(), len(src.live()))
		}
	})
}

func TestOfManyWhoNeedALeaseOneCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory()
		rev := src.publish(map[desk.DocumentID][]string{"a": {"refund"}})
		src.delay = 300 * time.Millisecond
		k := newKnowledge(src)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := k.Refresh(ctx); err != nil || k.View(tenant).Revision() != rev {
					t.Errorf("Refresh = %v at revision %d, want %d", err, k.View(tenant).Revision(), rev)
				}
			})
		}
		wg.Wait()
		if err := k.Refresh(ctx); err != nil || src.reads != 1 {
			t.Errorf("Refresh = %v; the source was read %d times, want once", err, src.reads)
		}
	})
}

func TestNobodyWaitsForAHangingSourceBeyondTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newMemory()
		src.delay = time.Hour
		k := newKnowledge(src)
		follower, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = k.CatchUp(follower) })
		synctest.Wait()

		start := time.Now()
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := k.Refresh(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Refresh = %v, want the deadline", err)
			}
			cancel()
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three questions waited %v, want 1 s each", took)
		}
		stop()
		wg.Wait()
	})
}
