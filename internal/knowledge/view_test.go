package knowledge_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kefu/internal/desk"
	"kefu/internal/knowledge"
)

// basis is what an answer on v from the chunks rests on.
func basis(v *knowledge.View, src *memory, chunks ...desk.ChunkID) desk.Basis {
	b := desk.Basis{Revision: v.Revision()}
	for _, id := range chunks {
		doc, _, _ := strings.Cut(string(id), "#")
		b.Sources = append(b.Sources, desk.BasisSource{
			Document: desk.DocumentID(doc), Chunk: id, Hash: src.docs[desk.DocumentID(doc)][0].Hash,
		})
	}
	return b
}

func TestAnAnswerHoldsWhileNothingBetterIsPublished(t *testing.T) {
	const question = "How long do I have for a refund?"
	many := func(text string) map[desk.DocumentID][]string {
		docs := make(map[desk.DocumentID][]string)
		for i := range 1200 {
			docs[desk.DocumentID(fmt.Sprintf("new-%d", i))] = []string{text}
		}
		return docs
	}
	plus := func(docs map[desk.DocumentID][]string, id desk.DocumentID, text string) map[desk.DocumentID][]string {
		docs[id] = []string{text}
		return docs
	}
	one := func(id desk.DocumentID, text string) map[desk.DocumentID][]string {
		return map[desk.DocumentID][]string{id: {text}}
	}
	const source = "You have thirty days for a refund, however long the way."
	tests := []struct {
		name    string
		sources []desk.ChunkID
		publish map[desk.DocumentID][]string
		want    bool
	}{
		{"nothing published", []desk.ChunkID{"refund#0"}, nil, true},
		{"nothing published, no sources", nil, nil, true},
		{"no sources, something unrelated", nil, one("x", "Parcels leave at noon."), false},
		{"something unrelated", []desk.ChunkID{"refund#0"}, one("x", "Parcels leave at noon."), true},
		{"something about the question", []desk.ChunkID{"refund#0"}, one("x", "How long do I have for a refund? Sixty days."), false},
		{"something that mentions it in passing", []desk.ChunkID{"refund#0"}, one("x", "A refund."+strings.Repeat(" Parcels leave at noon by the usual carrier.", 9)), true},
		{"the source changed", []desk.ChunkID{"refund#0"}, one("refund", source+" Or not."), false},
		{"the source was removed", []desk.ChunkID{"refund#0"}, map[desk.DocumentID][]string{"refund": nil}, false},
		{"the source was published again as it was", []desk.ChunkID{"refund#0"}, one("refund", source), true},
		{"another source changed", []desk.ChunkID{"refund#0", "other#0"}, one("other", "Changed."), false},
		{"the weaker of two sources is reached", []desk.ChunkID{"refund#0", "other#0"}, one("x", "A refund."), false},
		{"a source without a word of the question, something unrelated", []desk.ChunkID{"zh#0"}, one("x", "Parcels leave at noon."), false},
		{"very much that is unrelated", []desk.ChunkID{"refund#0"}, many("Parcels leave at noon."), true},
		{"one better among very much", []desk.ChunkID{"refund#0"}, plus(many("Parcels leave at noon."), "x", "How long do I have for a refund? Sixty days."), false},
		{"very much that is better", []desk.ChunkID{"refund#0"}, many("How long do I have for a refund? Sixty days."), false},
		{"very much, and a source without a word of the question", []desk.ChunkID{"zh#0"}, many("Parcels leave at noon."), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := newMemory()
			src.publish(map[desk.DocumentID][]string{
				"refund": {source}, "other": {"A refund takes a week on its way."}, "zh": {"三十天内可以退货。"},
				"noise": {"Chargers are sold apart.", "The warranty lasts two years."},
			})
			k := newKnowledge(src)
			b := basis(catchUp(t, k), src, tt.sources...)
			if tt.publish != nil {
				src.publish(tt.publish)
			}
			if got := catchUp(t, k).Holds(b, question); got != tt.want {
				t.Errorf("holds = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestHoldsIsItsDefinition compares Holds with its definition, read off a full
// lexical search, over random histories.
func TestHoldsIsItsDefinition(t *testing.T) {
	words := []string{"refund", "days", "parcel", "warranty", "return", "退货", "保修", "money"}
	text := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 1, 6).Draw(t, "words"), " ")
	})
	document := rapid.Custom(func(t *rapid.T) desk.DocumentID {
		return desk.DocumentID(rapid.StringMatching(`[a-h]`).Draw(t, "id"))
	})
	rapid.Check(t, func(t *rapid.T) {
		src := newMemory()
		k := newKnowledge(src)
		publish := func() *knowledge.View {
			src.publish(rapid.MapOfN(document, rapid.SliceOfN(text, 0, 3), 1, 5).Draw(t, "publish"))
			if err := k.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			return k.View(tenant)
		}
		v := publish()
		question := text.Draw(t, "question")
		passages := v.Lexical(question, rapid.IntRange(0, 3).Draw(t, "sources"))
		b := basis(v, src, chunks(passages)...)
		for range rapid.IntRange(0, 4).Draw(t, "publishes") {
			v = publish()
		}
		if got, want := v.Holds(b, desk.Masked(question)), holds(v, src, b, question); got != want {
			t.Fatalf("holds = %v, want %v", got, want)
		}
	})
}

// holds is the definition of View.Holds.
func holds(v *knowledge.View, src *memory, b desk.Basis, question string) bool {
	if b.Revision == v.Revision() {
		return true
	}
	if len(b.Sources) == 0 {
		return false
	}
	scores := make(map[desk.ChunkID]float64)
	for _, p := range v.Lexical(question, 1000) {
		scores[p.ID] = p.Lexical
	}
	source := make(map[desk.ChunkID]bool)
	weakest := scores[b.Sources[0].Chunk]
	for _, s := range b.Sources {
		if doc := src.docs[s.Document]; len(doc) == 0 || doc[0].Hash != s.Hash {
			return false
		}
		source[s.Chunk] = true
		weakest = min(weakest, scores[s.Chunk])
	}
	for _, doc := range src.docs {
		for _, it := range doc {
			if it.Revision > b.Revision && !source[it.ID] && scores[it.ID] >= weakest {
				return false
			}
		}
	}
	return true
}

func BenchmarkHolds(b *testing.B) {
	for _, published := range []int{0, 10, 1000, 10_000} {
		b.Run(fmt.Sprintf("10k chunks, %d since", published), func(b *testing.B) {
			src := newMemory()
			docs := func(prefix string, n int) map[desk.DocumentID][]string {
				all := make(map[desk.DocumentID][]string)
				for i := range n {
					all[desk.DocumentID(fmt.Sprintf("%s-%d", prefix, i))] = []string{fmt.Sprintf("Parcel %d leaves at noon, the warranty %d lasts.", i, i*i)}
				}
				return all
			}
			src.publish(map[desk.DocumentID][]string{"refund": {"You have thirty days for a refund."}})
			k := newKnowledge(src)
			basis := basis(catchUp(b, k), src, "refund#0")
			src.publish(docs("old", 10_000-published))
			basis.Revision = catchUp(b, k).Revision()
			if published > 0 {
				src.publish(docs("new", published))
			} else {
				src.publish(map[desk.DocumentID][]string{"old-1": nil})
			}
			v := catchUp(b, k)
			for b.Loop() {
				if !v.Holds(basis, "How long do I have for a refund?") {
					b.Fatal("does not hold")
				}
			}
		})
	}
}
