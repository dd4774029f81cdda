package retrieval_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sync"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/retrieval"
)

// item is a passage of document doc at revision rev with a vector.
func item(doc string, n int, rev desk.Revision, text string, vector ...float32) retrieval.Item {
	return retrieval.Item{
		Passage: desk.Passage{
			Chunk: desk.Chunk{
				ID: desk.ChunkID(fmt.Sprintf("%s#%d", doc, n)), Document: desk.DocumentID(doc), Ordinal: n,
				Text: text, Lang: lang.Of(text),
			},
			Title: doc, Hash: fmt.Sprintf("%s@%d", doc, rev), Revision: rev,
		},
		Vector: vector,
	}
}

func index(t testing.TB, items ...retrieval.Item) *retrieval.Index {
	t.Helper()
	ix, err := retrieval.New(retrieval.DefaultConfig(), items)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func with(t testing.TB, ix *retrieval.Index, add []retrieval.Item, drop ...desk.DocumentID) *retrieval.Index {
	t.Helper()
	next, err := ix.With(t.Context(), add, drop)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// searcher is an index, or a view of one.
type searcher interface {
	Search(context.Context, retrieval.Query) ([]desk.Passage, error)
}

func search(t testing.TB, ix searcher, q retrieval.Query) []desk.Passage {
	t.Helper()
	found, err := ix.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ids(passages []desk.Passage) []desk.ChunkID {
	list := []desk.ChunkID{}
	for _, p := range passages {
		list = append(list, p.ID)
	}
	return list
}

func shop(t testing.TB) *retrieval.Index {
	pair := item("faq", 0, 1, "Twelve weeks.")
	pair.Question = "How long does a money order take?"
	return index(t,
		item("returns", 0, 1, "You may return any item within 30 days of delivery."),
		item("returns", 1, 1, "We refund the purchase price within 5 working days."),
		item("parts", 0, 1, "Battery AB-1203 fits the X100."),
		item("parts2", 0, 1, "Battery AB-1204 fits the X200. The AB series was made until 1203 units were sold."),
		item("退货", 0, 1, "收到商品后三十天内可以申请退货，运费由我们承担。"),
		item("税费", 0, 1, "所有价格含税。"),
		pair,
	)
}

func TestLexicalFinds(t *testing.T) {
	tests := []struct {
		name, question string
		want           desk.ChunkID
	}{
		{"inflected English words", "returning items", "returns#0"},
		{"Chinese words", "退货运费谁出", "退货#0"},
		{"one Han character", "税", "税费#0"},
		{"a part number", "do you have ab-1203?", "parts#0"},
		{"the question of a pair", "how long for money orders", "faq#0"},
		{"the title", "parts", "parts#0"},
	}
	ix := shop(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ix.Lexical(tt.question, 3)
			if len(got) == 0 || got[0].ID != tt.want {
				t.Fatalf("Lexical(%q) = %q, want %s first", tt.question, ids(got), tt.want)
			}
			if got[0].Score <= 0 || got[0].Score > 1 || got[0].Lexical <= 0 {
				t.Errorf("score = %v, lexical = %v, want both above 0 and the score at most 1", got[0].Score, got[0].Lexical)
			}
		})
	}
}

func TestNothingIsFoundWithoutASharedTermOrRoom(t *testing.T) {
	ix := shop(t)
	if got := ix.Lexical("zzz 龘", 5); len(got) != 0 {
		t.Errorf("unknown terms found %q", ids(got))
	}
	if got := ix.Lexical("battery", 0); len(got) != 0 {
		t.Errorf("k = 0 found %q", ids(got))
	}
	if got := search(t, ix, retrieval.Query{Text: "battery", K: -1}); len(got) != 0 {
		t.Errorf("K = -1 found %q", ids(got))
	}
	if got := search(t, index(t), retrieval.Query{Text: "battery", Vector: []float32{1, 0}, K: 3}); len(got) != 0 {
		t.Errorf("an empty index found %q", ids(got))
	}
}

func TestASynonymIsFoundBehindTheWordItself(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "our telephone is red"),
		item("b", 0, 1, "our phone is red"),
		item("c", 0, 1, "our window is red"),
	)
	got := ix.Lexical("phone", 5)
	if want := []desk.ChunkID{"b#0", "a#0"}; !slices.Equal(ids(got), want) {
		t.Fatalf("found %q, want %q", ids(got), want)
	}
	if got[0].Coverage != 1 || got[1].Coverage != 1 {
		t.Errorf("coverage = %v and %v, want 1: a synonym covers the word", got[0].Coverage, got[1].Coverage)
	}
}

func TestAWordWrittenTwiceIsNotAskedForTwiceAsMuch(t *testing.T) {
	ix := index(t, item("a", 0, 1, "Lamps are blue."), item("b", 0, 1, "Cables are long."), item("c", 0, 1, "Chairs are green."))
	once, twice := ix.Rank("lamps", []desk.ChunkID{"a#0"})[0], ix.Rank("lamps lamps", []desk.ChunkID{"a#0"})[0]
	if once == 0 || math.Abs(twice-1.5*once) > 1e-6 {
		t.Errorf("twice = %v, want 1.5 times %v", twice, once)
	}
}

func TestArticlesAndAuxiliariesFindNothing(t *testing.T) {
	ix := index(t, item("a", 0, 1, "The lamp can be blue and does what it should."), item("b", 0, 1, "How long: two days."))
	if got := ids(ix.Lexical("could and does the", 5)); len(got) != 0 {
		t.Errorf("found %q", got)
	}
	if got := ids(ix.Lexical("how long would the", 5)); !slices.Equal(got, []desk.ChunkID{"b#0"}) {
		t.Errorf("found %q, want what tells how long", got)
	}
}

func TestASentenceThatIsAlikeIsBeforeTheSameWordsApart(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "Your card is here. A new one costs five pounds. We block nothing."),
		item("b", 0, 1, "We block your card. A new one costs five pounds. Nothing is here."))
	got := search(t, ix, retrieval.Query{Text: "block card", K: 2})
	if !slices.Equal(ids(got), []desk.ChunkID{"b#0", "a#0"}) || got[0].Lexical != got[1].Lexical {
		t.Errorf("found %q", ids(got))
	}
}

func TestWordsBehindEachOtherAreBeforeTheSameWordsInAnotherOrder(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "The desk lamp is blue."),
		item("b", 0, 1, "The lamp desk is blue."))
	if got := ids(search(t, ix, retrieval.Query{Text: "lamp desk", K: 2})); !slices.Equal(got, []desk.ChunkID{"b#0", "a#0"}) {
		t.Errorf("found %q", got)
	}
	if got := ids(search(t, ix, retrieval.Query{Text: "desk lamp", K: 2})); !slices.Equal(got, []desk.ChunkID{"a#0", "b#0"}) {
		t.Errorf("found %q", got)
	}
}

func TestARareWordCoversMoreThanACommonOne(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "tablet screen"), item("b", 0, 1, "tablet battery"), item("c", 0, 1, "tablet resolution"),
		item("d", 0, 1, "平板 屏幕"), item("e", 0, 1, "平板 电池"),
	)
	got := ix.Lexical("tablet resolution", 5)
	if ids(got)[0] != "c#0" || got[0].Coverage != 1 || got[1].Coverage >= 0.5 {
		t.Errorf("found %q, coverage %v and %v, want c#0 with 1 and less than half for others", ids(got), got[0].Coverage, got[1].Coverage)
	}
	if got := ix.Lexical("tablet rental", 5); got[0].Coverage >= 0.4 {
		t.Errorf("coverage = %v, want little: no passage holds rental", got[0].Coverage)
	}
	if got := ix.Lexical("平板电池", 5); got[0].Coverage < 0.75 {
		t.Errorf("coverage = %v, want nearly all: 板电 only spans two words", got[0].Coverage)
	}
}

func TestInAKnowledgeBaseOfOnePassageItsWordsAreNoCommonOnes(t *testing.T) {
	ix := index(t, item("a", 0, 1, "A parcel to Iceland takes nine days."))
	if got := ix.Lexical("How long do parcels to Iceland take?", 1); len(got) == 0 || got[0].Coverage < 0.6 {
		t.Errorf("found %+v, want a passage that covers most of the question", got)
	}
}

func TestSearchFusesVectorsAndWords(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "refund money", 1, 0),
		item("b", 0, 1, "repayment", 0.9, 0.1),
		item("c", 0, 1, "shipping refund", 0, 1),
		item("d", 0, 1, "opposite", -1, 0),
	)
	got := search(t, ix, retrieval.Query{Text: "refund", Vector: []float32{2, 0}, K: 10})
	if want := []desk.ChunkID{"a#0", "c#0", "b#0"}; !slices.Equal(ids(got), want) {
		t.Fatalf("found %q, want %q", ids(got), want)
	}
	if math.Abs(got[0].Vector-1) > 1e-6 || got[0].Lexical <= 0 {
		t.Errorf("vector = %v, lexical = %v, want 1 and above 0", got[0].Vector, got[0].Lexical)
	}
	for _, p := range got {
		if p.Score <= 0 || p.Score > 1 {
			t.Errorf("score of %s = %v, want in (0,1]", p.ID, p.Score)
		}
	}
}

func TestUnusableVectorsLeaveLexicalSearch(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ix := index(t,
		item("good", 0, 1, "refund policy", 1, 0),
		item("zero", 0, 1, "refund zero", 0, 0),
		item("nan", 0, 1, "refund nan", nan, 1),
		item("inf", 0, 1, "refund inf", inf, 1),
		item("other", 0, 1, "refund other dimension", 1, 0, 0),
		item("none", 0, 1, "refund none"),
	)
	for _, q := range [][]float32{nil, {0, 0}, {nan, 0}, {1, 0}, {0, 0, 1}, {1, 2, 3, 4}} {
		got := search(t, ix, retrieval.Query{Text: "refund", Vector: q, K: 10})
		if len(got) != 6 {
			t.Errorf("query vector %v found %q, want all six", q, ids(got))
		}
		for _, p := range got {
			if math.IsNaN(p.Score) || math.IsNaN(p.Vector) {
				t.Errorf("query vector %v: score of %s is NaN", q, p.ID)
			}
		}
	}
}

func TestTiesAreOrderedByID(t *testing.T) {
	var items []retrieval.Item
	for _, n := range rand.New(rand.NewPCG(1, 2)).Perm(40) {
		it := item(fmt.Sprintf("%02d", n), 0, 1, "the same refund text", 1, 0)
		it.Title = ""
		items = append(items, it)
	}
	ix := index(t, items...)
	want := []desk.ChunkID{"00#0", "01#0", "02#0", "03#0", "04#0"}
	for range 20 {
		if got := ids(search(t, ix, retrieval.Query{Text: "refund", Vector: []float32{1, 0}, K: 5})); !slices.Equal(got, want) {
			t.Fatalf("found %q, want %q", got, want)
		}
	}
}

func TestThePassageInTheQuestionsLanguageComesFirst(t *testing.T) {
	ix := index(t,
		item("en", 0, 1, "Kefu Pro costs 10 dollars a month."),
		item("zh", 0, 1, "Kefu Pro 的价格是每月七十元。"),
	)
	for language, want := range map[desk.Lang]desk.ChunkID{desk.English: "en#0", desk.Chinese: "zh#0"} {
		if got := search(t, ix, retrieval.Query{Text: "Kefu Pro", Lang: language, K: 2}); got[0].ID != want {
			t.Errorf("%s question found %q first, want %s", language, got[0].ID, want)
		}
	}
}

func TestWithLeavesTheOldIndexAsItWas(t *testing.T) {
	old := shop(t)
	before := search(t, old, retrieval.Query{Text: "return battery 退货", K: 10})
	next := with(t, old, []retrieval.Item{item("returns", 0, 2, "Returns are no longer possible.")}, "parts", "unknown")
	if after := search(t, old, retrieval.Query{Text: "return battery 退货", K: 10}); !reflect.DeepEqual(after, before) {
		t.Errorf("the old index found %q, then %q", ids(before), ids(after))
	}
	if old.Len() != 7 || next.Len() != 5 {
		t.Errorf("Len = %d and %d, want 7 and 5", old.Len(), next.Len())
	}
}

func TestAReplacedDocumentLosesItsOldChunks(t *testing.T) {
	next := with(t, shop(t), []retrieval.Item{item("returns", 0, 2, "Returns are no longer possible.")}, "parts")
	if got := ids(next.Lexical("refund purchase price delivery", 5)); len(got) != 0 {
		t.Errorf("old text found %q", got)
	}
	if got := ids(next.Lexical("AB-1203", 5)); !slices.Equal(got, []desk.ChunkID{"parts2#0"}) {
		t.Errorf("found %q, want parts2#0 alone", got)
	}
	if hash, ok := next.Document("returns"); hash != "returns@2" || !ok {
		t.Errorf("Document(returns) = %q, %t, want returns@2", hash, ok)
	}
	if _, ok := next.Document("parts"); ok {
		t.Error("a dropped document is still there")
	}
}

func TestSinceNamesWhatWasPublishedLater(t *testing.T) {
	ix := with(t, shop(t), []retrieval.Item{item("new", 0, 5, "new"), item("new", 1, 5, "newer")})
	ix = with(t, ix, []retrieval.Item{item("newest", 0, 6, "newest")})
	tests := []struct {
		rev  desk.Revision
		want int
	}{{0, 10}, {1, 3}, {5, 1}, {6, 0}}
	for _, tt := range tests {
		if got := ix.Since(tt.rev); len(got) != tt.want {
			t.Errorf("Since(%d) = %q, want %d chunks", tt.rev, got, tt.want)
		}
	}
}

func TestRankIsTheLexicalScore(t *testing.T) {
	ix := with(t, shop(t), []retrieval.Item{item("new", 0, 5, "return label")})
	found := ix.Lexical("return", 10)
	ranks := ix.Rank("return", append(ids(found), "unknown", "parts#0"))
	for i, p := range found {
		if ranks[i] != p.Lexical {
			t.Errorf("rank of %s = %v, want %v", p.ID, ranks[i], p.Lexical)
		}
	}
	if rest := ranks[len(found):]; rest[0] != 0 || rest[1] != 0 {
		t.Errorf("ranks of an unknown and an unrelated chunk = %v, want 0", rest)
	}
}

func TestBadItemsAreRefused(t *testing.T) {
	ix := shop(t)
	for name, add := range map[string][]retrieval.Item{
		"no chunk id":               {{}},
		"the same id twice":         {item("x", 0, 1, "a"), item("x", 0, 1, "b")},
		"the id of another's chunk": {func() retrieval.Item { it := item("x", 0, 1, "a"); it.ID = "returns#0"; return it }()},
	} {
		if _, err := ix.With(t.Context(), add, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cfg := retrieval.DefaultConfig()
	cfg.B = 2
	if _, err := retrieval.New(cfg, nil); err == nil {
		t.Error("b = 2: no error")
	}
}

func TestACancelledContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ix := shop(t)
	if _, err := ix.Search(ctx, retrieval.Query{Text: "refund", K: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("Search: %v, want context.Canceled", err)
	}
	if _, err := ix.With(ctx, []retrieval.Item{item("x", 0, 1, "a")}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("With: %v, want context.Canceled", err)
	}
}

// words are few, so that passages share them.
var words = []string{"refund", "return", "battery", "ship", "AB-1203", "退货", "运费", "发票", "会员", "税", "price", "30"}

func randomItem(r *rand.Rand, doc, n int, rev desk.Revision) retrieval.Item {
	text := ""
	for range 3 + r.IntN(12) {
		text += words[r.IntN(len(words))] + " "
	}
	v := make([]float32, 8)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return item(fmt.Sprintf("doc%03d", doc), n, rev, text, v...)
}

func TestAnIndexGrownStepByStepFindsWhatAFreshOneFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	grown := index(t)
	docs := map[int][]retrieval.Item{}
	for rev := range 300 {
		doc := r.IntN(60)
		if r.IntN(4) == 0 {
			delete(docs, doc)
			grown = with(t, grown, nil, desk.DocumentID(fmt.Sprintf("doc%03d", doc)))
			continue
		}
		docs[doc] = nil
		for n := range 1 + r.IntN(4) {
			docs[doc] = append(docs[doc], randomItem(r, doc, n, desk.Revision(rev)))
		}
		grown = with(t, grown, docs[doc])
	}
	var all []retrieval.Item
	for _, items := range docs {
		all = append(all, items...)
	}
	fresh := index(t, all...)
	if grown.Len() != fresh.Len() {
		t.Fatalf("Len = %d, want %d", grown.Len(), fresh.Len())
	}
	for range 50 {
		q := retrieval.Query{Text: randomItem(r, 0, 0, 0).Text, Vector: randomItem(r, 0, 0, 0).Vector, K: 10}
		got, want := search(t, grown, q), search(t, fresh, q)
		if !slices.Equal(ids(got), ids(want)) {
			t.Fatalf("Search(%q) = %q, want %q", q.Text, ids(got), ids(want))
		}
		for i := range got {
			if math.Abs(got[i].Score-want[i].Score) > 1e-9 {
				t.Errorf("score of %s = %v, want %v", got[i].ID, got[i].Score, want[i].Score)
			}
		}
		if !slices.Equal(ids(grown.Lexical(q.Text, 10)), ids(fresh.Lexical(q.Text, 10))) {
			t.Errorf("Lexical(%q) differs", q.Text)
		}
	}
}

func TestSearchesRunWhileTheNextIndexIsBuilt(t *testing.T) {
	ix := shop(t)
	before := ids(search(t, ix, retrieval.Query{Text: "return battery", K: 10}))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				got, err := ix.Search(t.Context(), retrieval.Query{Text: "return battery", K: 10})
				if err != nil || !slices.Equal(ids(got), before) {
					t.Errorf("found %q, %v, want %q", ids(got), err, before)
				}
			}
		})
	}
	next := ix
	for n := range 50 {
		next = with(t, next, []retrieval.Item{item(fmt.Sprint("extra", n), 0, 2, "return battery")}, "parts")
	}
	wg.Wait()
	if next.Len() != 56 {
		t.Errorf("Len = %d, want 56", next.Len())
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range []string{"", "return 退货", "AB-1203", "税", "\xff", "的", "1,000.5 ﷺ"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, text, question string) {
		ix := index(t, item("a", 0, 1, text), item("b", 0, 1, "refund 退款"))
		for _, p := range ix.Lexical(question, 5) {
			if !(p.Score > 0 && p.Score <= 1) {
				t.Errorf("Lexical(%q) over %q: score %v", question, text, p.Score)
			}
		}
	})
}

func TestAQuestionFindsThePassageInTheOtherChineseScript(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "订单发货后可以查询物流进度。"),
		item("b", 0, 1, "退货由我们承担运费。"),
		item("c", 0, 1, "發票在簽收後開出。"))
	for question, want := range map[string]desk.ChunkID{"怎麼查詢物流進度": "a#0", "退貨誰付運費": "b#0", "发票什么时候开": "c#0"} {
		found := ix.Lexical(question, 1)
		if len(found) != 1 || found[0].ID != want {
			t.Errorf("%s found %v, want %s", question, ids(found), want)
		}
	}
}

func TestAPageThatIsFoundTwiceIsBeforeOneThatIsFoundOnce(t *testing.T) {
	titled := func(doc string, n int, title, text string) retrieval.Item {
		it := item(doc, n, 1, text)
		it.Title = title
		return it
	}
	pair := titled("faq", 0, "Boats", "The deposit of a boat is returned.")
	pair.Question = "Is the money paid back?"
	ix := index(t,
		titled("cars", 0, "Cars", "The deposit is returned within a week."),
		titled("bikes", 0, "Bikes", "The deposit is returned within a week."),
		titled("bikes", 1, "Bikes", "Who returns late loses half of the deposit."),
		titled("none", 0, "", "The deposit is returned within a week."),
		pair,
	)
	found := search(t, ix, retrieval.Query{Text: "When is the deposit returned?", Lang: desk.English, K: 9})
	if found[0].ID != "bikes#0" || found[0].Page == 0 {
		t.Errorf("found %v, want the page with a second passage first", ids(found))
	}
	for _, p := range found {
		if (p.Page > 0) != (p.Title == "Bikes") {
			t.Errorf("%s: page = %v, want none but of a page that is found twice", p.ID, p.Page)
		}
	}
}

func TestWeightsBeyondAllOfAScoreAreRefused(t *testing.T) {
	cfg := retrieval.DefaultConfig()
	cfg.Weights = map[desk.Lang]retrieval.Weights{desk.Chinese: {Coverage: 0.6, Page: 0.6}}
	if _, err := retrieval.New(cfg, nil); err == nil {
		t.Error("coverage and page of 1.2 together: no error")
	}
	for l, w := range retrieval.DefaultConfig().WithVector(0.5).Weights {
		if want := retrieval.Learned()[l]; w.Vector != 0.5 || w.Page != want.Page {
			t.Errorf("%s: %+v, want only the vector of %+v changed", l, w, want)
		}
	}
}
