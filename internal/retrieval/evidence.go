package retrieval

import (
	"cmp"
	"math"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Evidence says how well the passages found bear on a question, by its words
// and, in one figure, by their vectors. Shares are in [0,1] and weigh each content term by its rarity.
type Evidence struct {
	Lang       desk.Lang
	Length     float64 // mean of a passage of the index, in terms
	Terms      int     // content terms of the question; without any all else is 0
	Rarity     float64 // mean of theirs, as a share of the rarest that a term can be
	Known      float64 // share of them that any passage of the index holds
	Coverage   float64 // share that the best passage holds
	Union      float64 // share that the first three hold between them
	Rare       float64 // as Coverage, with the rarer terms weighed up once more
	Run        float64 // share in the longest run of terms that a passage holds all of
	Missing    float64 // the rarest term that the best passage lacks, by the rarest of all
	Sentence   float64 // share that one sentence of the first three holds with what they are headed
	Absent     float64 // the rarest term that this sentence lacks, by the rarest of all
	Alike      float64 // how alike the question and a sentence of the first three are
	Paired     float64 // share of the pairs of terms behind each other that one of these has so, too
	FirstPairs float64 // the same of the first passage
	Characters float64 // share of the question's Han characters that a sentence holds so
	Headed     float64 // share that the title, headings and question of the first passage hold
	Named      float64 // share of the terms of one of these that the question holds
	Unheaded   bool    // the first passage has none of these
	Subject    float64 // share of the weightiest piece of the question that the first passage holds
	Whole      float64 // share that it holds in one run, in the same order
	Rest       float64 // the same of the other pieces; where there are none, of that one
	Siblings   float64 // share of the others found that have the title of the first
	Numbers    int     // numbers of the question that the first passage lacks
	Vector     float64 // cosine similarity of the first passage; 0: nothing to compare
	Share      float64 // best lexical score, as a share of a perfect one
	Gap        float64 // by how much it beats the second, as a share
	Lead       float64 // how far it is from all the others: log of their deviations
}

const (
	evident = 5  // so many of the passages found are weighed,
	rivals  = 8  // so many compared by score,
	page    = 10 // so many by title,
	read    = 3  // and so many read sentence by sentence
)

// Evidence weighs the passages that Search or Lexical found for a question. It
// takes some 0.2 ms.
func (ix *Index) Evidence(q Query, found []desk.Passage) Evidence {
	asked := ix.read(q.Text)
	terms := ix.contentTerms(asked)
	e := Evidence{Lang: lang.Of(q.Text), Length: ix.length / float64(max(ix.live, 1)), Terms: len(terms)}
	if len(terms) == 0 || ix.live == 0 {
		return e
	}
	found = slices.DeleteFunc(slices.Clone(found), func(p desk.Passage) bool { return p.Translation }) // its words do not speak for it
	w := newWeighing(ix, asked, terms)
	e.Rarity = w.all / float64(len(terms)) / rarity(ix.live, 0)
	for _, t := range terms {
		if t.known() || slices.ContainsFunc(t.synonyms, want.known) {
			e.Known += t.weight / w.all
		}
	}
	for n, p := range found[:min(evident, len(found))] {
		w.add(&e, p.ID, n < 3)
	}
	ix.compare(&e, asked, found[:min(rivals, len(found))])
	if len(found) > 0 {
		w.weighPieces(&e, found[0].ID)
		e.Siblings = siblings(found[:min(page, len(found))])
		w.look(&e, q, found[:min(read, len(found))])
	}
	return e
}

// compare tells how far the best lexical score is from the others.
func (ix *Index) compare(e *Evidence, q asked, found []desk.Passage) {
	scores := make([]float64, max(len(found), 2)) // beside a lone one there is nothing
	for i, p := range found {
		scores[i] = p.Lexical
	}
	slices.SortFunc(scores, func(a, b float64) int { return cmp.Compare(b, a) })
	best, others := scores[0], scores[1:]
	if best == 0 {
		return
	}
	e.Share = 1
	if perfect := ix.perfect(q); perfect > 0 {
		e.Share = min(best/perfect, 1)
	}
	e.Gap = (best - others[0]) / best
	mean, squares := 0.0, 0.0
	for _, s := range others {
		mean += s / float64(len(others))
	}
	for _, s := range others {
		squares += (s - mean) * (s - mean) / float64(len(others))
	}
	e.Lead = math.Log1p((best - mean) / (math.Sqrt(squares) + best/32)) // however alike the others are
}

// weighing adds up what passages hold of a question's terms.
type weighing struct {
	ix      *Index
	asked   asked
	terms   []meaning
	reader  *reader
	union   []bool
	all     float64 // of the weights
	squares float64
	rarest  float64
}

func newWeighing(ix *Index, q asked, terms []meaning) *weighing {
	w := &weighing{ix: ix, asked: q, terms: terms, reader: ix.reader(terms, slices.Concat(q.wordPairs(), hanPairs(terms))), union: make([]bool, len(terms))}
	for _, t := range terms {
		w.all += t.weight
		w.squares += t.weight * t.weight
		w.rarest = max(w.rarest, t.weight)
	}
	return w
}

// add weighs one passage; united passages count for the union.
func (w *weighing) add(e *Evidence, id desk.ChunkID, united bool) {
	held, rare, missing, run := 0.0, 0.0, 0.0, 0.0
	for i, t := range w.terms {
		if !w.holds(id, i) {
			missing, run = max(missing, t.weight), 0
			continue
		}
		held += t.weight
		rare += t.weight * t.weight
		run += t.weight
		e.Run = max(e.Run, run/w.all)
		if united && !w.union[i] {
			w.union[i] = true
			e.Union += t.weight / w.all
		}
	}
	e.Rare = max(e.Rare, rare/w.squares)
	if held/w.all > e.Coverage {
		e.Coverage, e.Missing = held/w.all, missing/w.rarest
	}
}

// holds tells whether a passage has a term or a synonym of it.
func (w *weighing) holds(id desk.ChunkID, term int) bool {
	at, place, found := w.ix.find(id)
	return found && w.terms[term].in(at, place)
}
