package retrieval

import (
	"fmt"
	"math/rand/v2"
	"reflect"
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

func TestHoweverManyCoresBuildAnIndexItFindsExactlyTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	say := func(words int) (text string) {
		for range words {
			text += [...]string{
				"refunds ", "returning ", "battery ", "AB-1203 ", "ship it. ", "30 days, ", "a ", "é ", "运费由我们承担。", "会员", "退",
				"Slate T10 (LM-3010) ", "Slate T10 ", "\nWireless pad | LM-4015 | 15 W\n",
			}[random.IntN(14)]
		}
		return text
	}
	items := make([]Item, 120)
	for i := range items {
		document, language := i/7, [...]desk.Lang{desk.English, desk.Chinese}[i/7%2]
		items[i] = Item{
			Passage: desk.Passage{
				Chunk: desk.Chunk{
					ID: desk.ChunkID(strconv.Itoa(i)), Document: desk.DocumentID(strconv.Itoa(document)), Ordinal: i % 7,
					Heading: say(2), Text: say(20), Lang: language,
				},
				Title: say(1), Origin: fmt.Sprintf("kb/%d.%s.md", document/2, language), Revision: desk.Revision(random.IntN(5)),
			},
			Vector: []float32{1, random.Float32(), random.Float32()}[:2+i/60],
		}
	}
	built := func(cores int) (whole, part *Index) {
		whole, err := (&Index{cfg: DefaultConfig()}).with(t.Context(), items, nil, cores)
		if err != nil {
			t.Fatal(err)
		}
		part, err = whole.With(t.Context(), nil, []desk.DocumentID{"1", "2", "3", "9", "12"})
		if err != nil {
			t.Fatal(err)
		}
		return whole, part
	}
	wantWhole, wantPart := built(1)
	for _, cores := range []int{2, 3, 500} {
		whole, part := built(cores)
		for range 20 {
			q := Query{Text: say(5) + "batery LM-3010", Lang: desk.English, Vector: []float32{1, random.Float32(), 1}[:2+random.IntN(2)], K: 12}
			for _, ix := range [][2]*Index{{whole, wantWhole}, {part, wantPart}} {
				if got, want := answers(t, ix[0], q), answers(t, ix[1], q); !reflect.DeepEqual(got, want) {
					t.Fatalf("by %d cores, %q finds\n%+v, want\n%+v", cores, q.Text, got, want)
				}
			}
		}
	}
}

// answers is all that an index says to a question.
func answers(t *testing.T, ix *Index, q Query) (all []any) {
	t.Helper()
	found, err := ix.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		all = append(all, p, ix.Matched(q.Text, p.ID))
	}
	return append(all, ix.Evidence(q, found), ix.Lexical(q.Text, q.K), ix.Since(2))
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
