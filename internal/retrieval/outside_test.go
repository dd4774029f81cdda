package retrieval_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// shelf keeps vectors outside of an index, and finds them exactly. It fails, or
// never answers, when told to.
type shelf struct {
	vectors map[string][]float32
	err     error
	hangs   bool
	asked   []int // how many nearest each time
}

func (s *shelf) Nearest(ctx context.Context, to []float32, n int, keys []string) (nearest, others []retrieval.Similar, err error) {
	s.asked = append(s.asked, n)
	if s.hangs {
		<-ctx.Done()
		return nil, nil, ctx.Err()
	}
	if s.err != nil {
		return nil, nil, s.err
	}
	for key, v := range s.vectors {
		if len(v) != len(to) {
			continue
		}
		similar := retrieval.Similar{Key: key, Cosine: cosine(to, v)}
		nearest = append(nearest, similar)
		if slices.Contains(keys, key) {
			others = append(others, similar)
		}
	}
	slices.SortFunc(nearest, func(a, b retrieval.Similar) int { return cmp.Compare(b.Cosine, a.Cosine) })
	return nearest[:min(n, len(nearest))], others, nil
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// apart takes the vectors out of items and puts them on the shelf.
func (s *shelf) apart(items []retrieval.Item) []retrieval.Item {
	items = slices.Clone(items)
	for i, it := range items {
		if it.Vector != nil {
			key := fmt.Sprint(it.Text, it.Vector)
			s.vectors[key] = it.Vector
			items[i].Vector, items[i].Key = nil, key
		}
	}
	return items
}

func TestVectorsOutsideOfTheIndexFindTheSameAsThoseInIt(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	outside := &shelf{vectors: map[string][]float32{}}
	inside, named := index(t), index(t)
	for rev := range 200 { // documents change again and again: most vectors of the shelf are of no live passage
		doc := r.IntN(20)
		var items []retrieval.Item
		for n := range 1 + r.IntN(4) {
			items = append(items, randomItem(r, doc, n, desk.Revision(rev)))
		}
		inside, named = with(t, inside, items), with(t, named, outside.apart(items))
	}
	for range 100 {
		q := retrieval.Query{Text: randomItem(r, 0, 0, 0).Text, Vector: randomItem(r, 0, 0, 0).Vector, K: 10}
		want := search(t, inside, q)
		q.Vectors = outside
		got := search(t, named, q)
		if !slices.Equal(ids(got), ids(want)) {
			t.Fatalf("Search(%q) = %q, want %q", q.Text, ids(got), ids(want))
		}
		for i := range got {
			if math.Abs(got[i].Score-want[i].Score) > 1e-6 || math.Abs(got[i].Vector-want[i].Vector) > 1e-6 {
				t.Errorf("%s: score %v, vector %v, want %v, %v", got[i].ID, got[i].Score, got[i].Vector, want[i].Score, want[i].Vector)
			}
		}
		compareFirst(t, inside, named, q)
	}
	if most := slices.Max(outside.asked); most < 200 {
		t.Errorf("at most %d nearest were asked for, though earlier versions stood before the live ones", most)
	}
}

// compareFirst holds what is told of the vector of a passage found by words.
func compareFirst(t *testing.T, inside, named *retrieval.Index, q retrieval.Query) {
	t.Helper()
	found := named.Lexical(q.Text, 3)
	if err := named.Compare(t.Context(), q, found); err != nil {
		t.Fatal(err)
	}
	got := named.Evidence(q, found).Vector
	if want := inside.Evidence(q, inside.Lexical(q.Text, 3)).Vector; math.Abs(got-want) > 1e-6 {
		t.Errorf("evidence of %q: vector %v, want %v", q.Text, got, want)
	}
}

func TestWithoutVectorsOutsideWordsAloneFind(t *testing.T) {
	outside := &shelf{vectors: map[string][]float32{}, err: errors.New("connection refused")}
	items := []retrieval.Item{item("a", 0, 1, "refund money", 1, 0), item("b", 0, 1, "repayment", 0.9, 0.1), item("c", 0, 1, "shipping refund", 0, 1)}
	ix := index(t, outside.apart(items)...)
	q := retrieval.Query{Text: "refund", Vector: []float32{1, 0}, Vectors: outside, K: 10}
	want := search(t, ix, retrieval.Query{Text: "refund", K: 10})
	got, err := ix.Search(t.Context(), q)
	if !errors.Is(err, retrieval.ErrVectors) || !errors.Is(err, outside.err) || !slices.Equal(ids(got), ids(want)) {
		t.Errorf("found %q, %v, want %q and why no vector was compared", ids(got), err, ids(want))
	}
	for i := range got {
		if got[i].Score != want[i].Score {
			t.Errorf("score of %s = %v, want %v as by words", got[i].ID, got[i].Score, want[i].Score)
		}
	}
	if err := ix.Compare(t.Context(), q, got); !errors.Is(err, retrieval.ErrVectors) {
		t.Errorf("comparing: %v", err)
	}
}

func TestASearchDoesNotWaitLongForVectorsOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outside := &shelf{vectors: map[string][]float32{"k": {1, 0}}, hangs: true}
		it := item("a", 0, 1, "refund money")
		it.Key = "k"
		ix := index(t, it)
		start := time.Now()
		got, err := ix.Search(t.Context(), retrieval.Query{Text: "refund", Vector: []float32{1, 0}, Vectors: outside, K: 1})
		if !errors.Is(err, retrieval.ErrVectors) || len(got) != 1 {
			t.Errorf("found %q, %v", ids(got), err)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ix.Search(ctx, retrieval.Query{Text: "refund", Vector: []float32{1, 0}, Vectors: outside, K: 1}); !errors.Is(err, context.Canceled) || errors.Is(err, retrieval.ErrVectors) {
			t.Errorf("a search that was given up: %v", err)
		}
	})
}
