package retrieval

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Search returns the K best passages, best first, ties by id. A passage's
// Score, in [0,1], is the weighted sum of its cosine similarity (below 0
// counts as 0), its lexical share (see Lexical) and, of the best by these, the
// shares of Weights; what there is nothing to compare for is left out. The only
// errors are those of ctx and, beside what was found by words alone, ErrVectors.
func (ix *Index) Search(ctx context.Context, q Query) ([]desk.Passage, error) {
	c, err := ix.Candidates(ctx, q)
	if err != nil && !errors.Is(err, ErrVectors) {
		return nil, err
	}
	c.score(ix.weights(q))
	best := ix.top(q.K)
	for _, f := range c.list {
		best.offer(f)
	}
	return ix.passages(ix.translate(best.list, q.Lang, q.K)), err
}

// weights are those for a question.
func (ix *Index) weights(q Query) Weights {
	if w, ok := ix.cfg.Weights[cmp.Or(q.Lang, lang.Of(q.Text))]; ok {
		return w
	}
	return ix.cfg.Weights[desk.English]
}

// covered is how many of the best are candidates, if no more are wanted.
const covered = 30

// Candidates returns the passages that Search ranks, at least K of them where
// there are as many. The only errors are those of ctx.
func (ix *Index) Candidates(ctx context.Context, q Query) (Candidates, error) {
	c := Candidates{ix: ix}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	vector := unit(q.Vector)
	question := ix.read(q.Text)
	scores := ix.score(question)
	defer scores.release()
	proposed, told, err := ix.propose(ctx, q.Vectors, vector, scores, ix.cfg.Candidates+max(q.K, 0))
	if err != nil && !errors.Is(err, ErrVectors) {
		return c, err
	}
	w := ix.weights(q)
	best := ix.top(max(q.K, min(covered, covered*q.K)))
	for _, f := range proposed {
		f.lexical = scores.parts[f.part][f.place]
		f.words = scores.share(f.lexical)
		f.vector, f.compared = ix.parts[f.part].cosine(f.place, vector, told)
		f.preference = ix.preference(f, q.Lang)
		if f.score = w.fuse(f) * f.preference; f.score > 0 {
			best.offer(f)
		}
	}
	c.list = best.list
	c.read(question)
	return c, err
}

// read tells of each candidate its coverage, sentence, pairs and page.
func (c *Candidates) read(q asked) {
	terms := c.ix.contentTerms(q)
	r := c.ix.reader(terms, q.wordPairs())
	c.terms, c.pairs = len(terms) > 0, len(r.pairs) > 0
	for i := range c.list {
		f := &c.list[i]
		if c.terms {
			f.coverage, f.sentence = coverage(terms, f.part, f.place), r.alike(f.part, f.place)
		}
		if c.pairs {
			f.pairs = r.paired(f.part, f.place)
		}
	}
	c.pages()
}

// preference is what the language of a passage makes of its score.
func (ix *Index) preference(f found, asked desk.Lang) float64 {
	if l := ix.parts[f.part].passages[f.place].Lang; asked != "" && l != "" && l != asked {
		return ix.cfg.OtherLanguage
	}
	return 1
}

// propose returns the n best live passages by vector and the n best by BM25,
// each passage once, in no order and without final scores, and what it was told
// of vectors outside. With ErrVectors these are missing.
func (ix *Index) propose(ctx context.Context, vectors Vectors, vector []float32, scores lexicalScores, n int) ([]found, outside, error) {
	byVector, byWords := ix.top(n), ix.top(n)
	for at, p := range ix.parts {
		places, err := p.nearest(ctx, vector, n)
		if err != nil {
			return nil, nil, err
		}
		for _, i := range places {
			byVector.offer(found{part: at, place: i, score: dot(vector, p.vectors[i])})
		}
		for i, score := range scores.parts[at] {
			if score > 0 && !p.dead.has(int32(i)) && byWords.takes(score) {
				byWords.offer(found{part: at, place: int32(i), score: score})
			}
		}
	}
	told, err := ix.lookOutside(ctx, vectors, vector, n, byWords.list)
	if err != nil && !errors.Is(err, ErrVectors) {
		return nil, nil, err
	}
	for key, cosine := range told {
		for _, f := range ix.named(key) {
			f.score = cosine
			byVector.offer(f)
		}
	}
	proposed := slices.Concat(byVector.list, byWords.list)
	slices.SortFunc(proposed, func(a, b found) int { return cmp.Or(cmp.Compare(a.part, b.part), cmp.Compare(a.place, b.place)) })
	return slices.CompactFunc(proposed, func(a, b found) bool { return a.part == b.part && a.place == b.place }), told, err
}

// found is a passage on its way into a result. It holds no pointers: moving
// them about cost more than comparing what they belong to.
type found struct {
	part                               int
	place                              int32
	page                               int // see pages
	score                              float64
	vector, lexical, words, fused      float64 // words is the lexical score as a share
	coverage, sentence, pairs, support float64
	preference                         float64
	compared                           bool // there is a similarity of vectors
	translation, borrowed              bool
}

// id is the chunk that was found.
func (ix *Index) id(f found) desk.ChunkID { return ix.parts[f.part].passages[f.place].ID }

// top keeps the k best of what it is offered, in order.
type top struct {
	ix   *Index
	k    int
	list []found
}

func (ix *Index) top(k int) *top {
	return &top{ix: ix, k: max(k, 0), list: make([]found, 0, min(max(k, 0), 64))}
}

// compare orders by score, the best first, and where that is equal by id.
func (t *top) compare(a, b *found) int {
	if byScore := cmp.Compare(b.score, a.score); byScore != 0 {
		return byScore
	}
	return cmp.Compare(t.ix.id(*a), t.ix.id(*b))
}

// takes tells whether something of this score may be among them.
func (t *top) takes(score float64) bool {
	return len(t.list) < t.k || t.k > 0 && score >= t.list[t.k-1].score
}

func (t *top) offer(f found) {
	if len(t.list) == t.k {
		if t.k == 0 || t.compare(&f, &t.list[t.k-1]) >= 0 {
			return
		}
		t.list = t.list[:t.k-1]
	}
	i := sort.Search(len(t.list), func(i int) bool { return t.compare(&t.list[i], &f) >= 0 })
	t.list = slices.Insert(t.list, i, f)
}

// passages copies what was found out of the index.
func (ix *Index) passages(list []found) []desk.Passage {
	passages := make([]desk.Passage, len(list))
	for i, f := range list {
		p := ix.parts[f.part].passages[f.place]
		p.Score, p.Vector, p.Lexical, p.Fused = f.score, f.vector, f.lexical, f.fused
		p.Coverage, p.Sentence, p.Pairs, p.Page, p.Translation = f.coverage, f.sentence, f.pairs, f.support, f.translation
		p.Borrowed = f.borrowed
		passages[i] = p
	}
	return passages
}

// meaning is a term that carries a question's meaning.
type meaning struct {
	want
	synonyms []want
}

// contentTerms are the distinct terms of a question that carry its meaning,
// the rarer the weightier. A Han bigram that is nowhere, beside one that is
// somewhere, probably spans the border of two words and weighs little.
func (ix *Index) contentTerms(q asked) []meaning {
	terms := make([]meaning, 0, len(q.content))
	known := func(i int) bool { return i >= 0 && i < len(terms) && terms[i].known() }
	for _, term := range q.content {
		if slices.ContainsFunc(terms, func(m meaning) bool { return m.term == term }) {
			continue
		}
		m := meaning{want: ix.wanted(q, term)}
		m.weight = m.rarity
		for _, other := range lang.Synonyms(term) {
			m.synonyms = append(m.synonyms, ix.wanted(q, other))
		}
		for _, other := range q.stands[term] {
			m.synonyms = append(m.synonyms, ix.wanted(q, other))
		}
		terms = append(terms, m)
	}
	for i, m := range terms {
		if !m.known() && (known(i-1) && overlap(terms[i-1].term, m.term) || known(i+1) && overlap(m.term, terms[i+1].term)) {
			terms[i].weight /= 4
		}
	}
	return terms
}

// overlap tells whether two Han bigrams share the character between them.
func overlap(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return last == first && unicode.Is(unicode.Han, first)
}

// known tells whether any passage of the index has the term.
func (w want) known() bool { return w.found > 0 }

// in tells whether a passage has the term.
func (w want) in(part int, passage int32) bool {
	_, found := slices.BinarySearchFunc(w.lists[part], passage, func(p posting, at int32) int { return cmp.Compare(p.passage, at) })
	return found
}

// in tells whether a passage has the term or a synonym of it.
func (m meaning) in(part int, passage int32) bool {
	return m.want.in(part, passage) || slices.ContainsFunc(m.synonyms, func(w want) bool { return w.in(part, passage) })
}

// coverage is the weighted share of terms that a passage holds itself or by a
// synonym, 0 of none.
func coverage(terms []meaning, part int, passage int32) float64 {
	held, all := 0.0, 0.0
	for _, m := range terms {
		all += m.weight
		if m.in(part, passage) {
			held += m.weight
		}
	}
	if all == 0 {
		return 0
	}
	return held / all
}
