package retrieval

import (
	"cmp"
	"context"
	"slices"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Search returns the K best passages, best first, ties by id. A passage's
// Score, in [0,1], is the weighted sum of its cosine similarity (below 0
// counts as 0) and its lexical share (see Lexical); without a vector to
// compare it is the lexical share alone. The scores are absolute: they do not
// depend on the other passages found. The only errors are those of ctx.
func (ix *Index) Search(ctx context.Context, q Query) ([]desk.Passage, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	vector := unit(q.Vector)
	question := ix.cfg.read(q.Text)
	scores := ix.score(question)
	proposed, err := ix.propose(ctx, vector, scores, ix.cfg.Candidates+max(q.K, 0))
	if err != nil {
		return nil, err
	}
	vectorShare := ix.cfg.VectorWeight / (ix.cfg.VectorWeight + ix.cfg.LexicalWeight)
	best := newTop(q.K)
	for _, f := range proposed {
		p := ix.parts[f.part]
		f.lexical = scores.parts[f.part][f.place]
		f.score = scores.share(f.lexical)
		if v := p.vectors[f.place]; sameSpace(v, vector) {
			f.vector = dot(vector, v)
			f.score = vectorShare*max(f.vector, 0) + (1-vectorShare)*f.score
		}
		if l := p.passages[f.place].Lang; q.Lang != "" && l != "" && l != q.Lang {
			f.score *= ix.cfg.OtherLanguage
		}
		if f.score > 0 {
			best.offer(f)
		}
	}
	return ix.passages(question, best.list), nil
}

// propose returns the n best live passages by vector and the n best by BM25,
// each passage once, in no order and without final scores.
func (ix *Index) propose(ctx context.Context, vector []float32, scores lexicalScores, n int) ([]found, error) {
	byVector, byWords := newTop(n), newTop(n)
	for at, p := range ix.parts {
		places, err := p.nearest(ctx, vector, n)
		if err != nil {
			return nil, err
		}
		for _, i := range places {
			byVector.offer(found{part: at, place: i, id: p.passages[i].ID, score: dot(vector, p.vectors[i])})
		}
		for i, score := range scores.parts[at] {
			if score > 0 && !p.dead.has(int32(i)) {
				byWords.offer(found{part: at, place: int32(i), id: p.passages[i].ID, score: score})
			}
		}
	}
	proposed := slices.Concat(byVector.list, byWords.list)
	slices.SortFunc(proposed, func(a, b found) int { return cmp.Compare(a.id, b.id) })
	return slices.CompactFunc(proposed, func(a, b found) bool { return a.id == b.id }), nil
}

// found is a passage on its way into a result.
type found struct {
	part                   int
	place                  int32
	id                     desk.ChunkID
	score, vector, lexical float64
}

func byScore(a, b found) int {
	if byScore := cmp.Compare(b.score, a.score); byScore != 0 {
		return byScore // mostly: comparing ids as well took half the time of choosing
	}
	return cmp.Compare(a.id, b.id)
}

// top keeps the k best of what it is offered, in order.
type top struct {
	k    int
	list []found
}

func newTop(k int) *top { return &top{k: max(k, 0)} }

func (t *top) offer(f found) {
	if len(t.list) == t.k {
		if t.k == 0 || byScore(f, t.list[t.k-1]) >= 0 {
			return
		}
		t.list = t.list[:t.k-1]
	}
	i, _ := slices.BinarySearchFunc(t.list, f, byScore)
	t.list = slices.Insert(t.list, i, f)
}

// passages copies what was found for the question out of the index.
func (ix *Index) passages(q asked, list []found) []desk.Passage {
	terms := ix.contentTerms(q)
	passages := make([]desk.Passage, len(list))
	for i, f := range list {
		part := ix.parts[f.part]
		passages[i] = part.passages[f.place]
		passages[i].Score, passages[i].Vector, passages[i].Lexical = f.score, f.vector, f.lexical
		passages[i].Coverage = part.coverage(f.place, terms)
	}
	return passages
}

// contentTerms are the distinct terms of a question that carry its meaning,
// the rarer the weightier. A Han bigram that is nowhere, beside one that is
// somewhere, probably spans the border of two words and weighs little.
func (ix *Index) contentTerms(q asked) []want {
	var terms []want
	known := func(i int) bool { return i >= 0 && i < len(terms) && ix.holds(terms[i].term) }
	for _, term := range q.content {
		if !slices.ContainsFunc(terms, func(w want) bool { return w.term == term }) {
			terms = append(terms, want{term: term, weight: ix.inverseFrequency(term)})
		}
	}
	for i, w := range terms {
		if !known(i) && (known(i-1) && overlap(terms[i-1].term, w.term) || known(i+1) && overlap(w.term, terms[i+1].term)) {
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

// holds tells whether any passage has the term.
func (ix *Index) holds(term string) bool {
	return slices.ContainsFunc(ix.parts, func(p part) bool { return len(p.postings[term]) > 0 })
}

// coverage is the weighted share of terms that the passage holds itself or by
// a synonym, 0 of none.
func (s *segment) coverage(passage int32, terms []want) float64 {
	held, all := 0.0, 0.0
	for _, w := range terms {
		all += w.weight
		if s.has(passage, w.term) || slices.ContainsFunc(lang.Synonyms(w.term), func(t string) bool { return s.has(passage, t) }) {
			held += w.weight
		}
	}
	if all == 0 {
		return 0
	}
	return held / all
}

func (s *segment) has(passage int32, term string) bool {
	_, found := slices.BinarySearchFunc(s.postings[term], passage, func(p posting, at int32) int { return cmp.Compare(p.passage, at) })
	return found
}
