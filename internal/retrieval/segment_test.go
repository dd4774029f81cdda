package retrieval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"kefu/internal/desk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSegmentsStayFewAndMostlyAlive(t *testing.T) {
	ix, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2000 {
		id := fmt.Sprint(n % 700) // every document is replaced once or twice
		it := Item{Vector: []float32{1, float32(n)}}
		it.ID, it.Document, it.Text = desk.ChunkID(id), desk.DocumentID(id), "refund "+id
		if ix, err = ix.With(t.Context(), []Item{it}, nil); err != nil {
			t.Fatal(err)
		}
		if len(ix.parts) > 11 {
			t.Fatalf("%d segments for %d passages, want at most log2", len(ix.parts), ix.Len())
		}
		for _, p := range ix.parts {
			if p.dead.count > p.live() {
				t.Fatalf("a segment has %d dead and %d live passages", p.dead.count, p.live())
			}
		}
	}
	if ix.Len() != 700 {
		t.Errorf("Len = %d, want 700", ix.Len())
	}
}

func TestTheBestOfManyAreThoseThatSortFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	passages := make([]desk.Passage, 200)
	for i := range passages {
		passages[i].ID = desk.ChunkID(strconv.Itoa(i))
	}
	ix := &Index{parts: []part{{segment: &segment{passages: passages}}}}
	for _, k := range []int{0, 1, 8, 300} {
		best, all := ix.top(k), []found(nil)
		for i := range passages {
			f := found{place: int32(i), score: float64(random.IntN(20))} // many are equal
			all = append(all, f)
			if best.takes(f.score) {
				best.offer(f)
			}
		}
		slices.SortFunc(all, func(a, b found) int { return best.compare(&a, &b) })
		if want := all[:min(k, len(all))]; !slices.Equal(best.list, want) {
			t.Errorf("of the best %d: %v, want %v", k, best.list, want)
		}
	}
}
