package retrieval

import (
	"cmp"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Evidence says how well the passages found bear on a question, by its words
// alone. Shares are in [0,1] and weigh each content term by its rarity.
type Evidence struct {
	Lang     desk.Lang
	Passages int     // in the index
	Length   float64 // mean of a passage, in terms
	Terms    int     // content terms of the question; without any all else is 0
	Known    float64 // share of them that any passage of the index holds
	Coverage float64 // share that the best passage holds
	Union    float64 // share that the first three hold between them
	Rare     float64 // as Coverage, with the rarer terms weighed up once more
	Run      float64 // share in the longest run of terms that a passage holds all of
	Missing  float64 // the rarest term that the best passage lacks, by the rarest of all
	Share    float64 // best lexical score, as a share of a perfect one
	Margin   float64 // by how much it beats the third best, as a share
}

// evident is how many of the passages found are weighed.
const evident = 5

// Evidence weighs the passages that Search or Lexical found for a question. It
// takes some 20 µs.
func (ix *Index) Evidence(question string, found []desk.Passage) Evidence {
	asked := ix.read(question)
	terms := ix.contentTerms(asked)
	e := Evidence{Lang: lang.Of(question), Passages: ix.live, Length: ix.length / float64(max(ix.live, 1)), Terms: len(terms)}
	if len(terms) == 0 || ix.live == 0 {
		return e
	}
	w := newWeighing(ix, terms)
	for _, t := range terms {
		if t.known() || slices.ContainsFunc(t.synonyms, want.known) {
			e.Known += t.weight / w.all
		}
	}
	perfect := ix.perfect(asked)
	var shares []float64
	for n, p := range found[:min(evident, len(found))] {
		if perfect > 0 {
			shares = append(shares, min(p.Lexical/perfect, 1))
		}
		w.add(&e, p.ID, n < 3)
	}
	slices.SortFunc(shares, func(a, b float64) int { return cmp.Compare(b, a) })
	if len(shares) > 0 {
		e.Share = shares[0]
	}
	if len(shares) > 2 && shares[0] > 0 {
		e.Margin = (shares[0] - shares[2]) / shares[0]
	}
	return e
}

// weighing adds up what passages hold of a question's terms.
type weighing struct {
	ix      *Index
	terms   []meaning
	union   []bool
	all     float64 // of the weights
	squares float64
	rarest  float64
}

func newWeighing(ix *Index, terms []meaning) *weighing {
	w := &weighing{ix: ix, terms: terms, union: make([]bool, len(terms))}
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
	for at, p := range w.ix.parts {
		if place, ok := p.find(id); ok {
			return w.terms[term].in(at, place)
		}
	}
	return false
}
