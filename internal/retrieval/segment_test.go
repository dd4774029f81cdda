package retrieval

import (
	"fmt"
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
