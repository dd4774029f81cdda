package retrieval

import (
	"math"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// analyse counts the terms of a passage over its fields, weighted, and the
// length of the passage. Besides the terms of package lang every Han character
// is indexed, so that one-character questions and unusual word breaks find
// something; those do not add to the length.
func analyse(cfg Config, p *desk.Passage) (counts map[string]float32, length float64) {
	counts = make(map[string]float32)
	for _, field := range [...]struct {
		text   string
		weight float64
	}{
		{p.Title, cfg.Title},
		{p.Heading, cfg.Heading},
		{p.Question, cfg.Question},
		{p.Text, 1},
	} {
		if field.text == "" || field.weight == 0 {
			continue
		}
		for _, term := range lang.Terms(field.text) {
			length += field.weight
			if !isCharacter(term) {
				counts[term] += float32(field.weight)
			}
		}
		for i, r := range field.text {
			if unicode.Is(unicode.Han, r) {
				counts[field.text[i:i+utf8.RuneLen(r)]] += float32(field.weight)
			}
		}
	}
	return counts, length
}

// isCharacter reports a term that is a single Han character.
func isCharacter(term string) bool {
	r, size := utf8.DecodeRuneInString(term)
	return size == len(term) && unicode.Is(unicode.Han, r)
}

// want is a term of a question and how much it counts.
type want struct {
	term   string
	weight float64
	of     string // the term that it is a synonym of; empty: it stands in the question
}

// asked is a question as a search needs it, read once.
type asked struct {
	wants   []want   // see wants
	content []string // terms that carry its meaning, in order
}

func (c Config) read(question string) asked {
	content := lang.ContentTerms(question)
	return asked{c.wants(question, content), content}
}

// wants returns the distinct terms of a question in order of appearance. A
// repeated term counts as often as it stands there.
func (c Config) wants(question string, contentTerms []string) []want {
	content := make(map[string]bool, 2*len(contentTerms))
	for _, term := range contentTerms {
		content[term] = true
		for i, r := range term {
			if unicode.Is(unicode.Han, r) {
				content[term[i:i+utf8.RuneLen(r)]] = true
			}
		}
	}
	list := make([]want, 0, len(content)+8)
	index := make(map[string]int, cap(list))
	add := func(term, of string, weight float64) {
		if !content[term] {
			weight *= c.Function
		}
		if weight == 0 {
			return
		}
		i, ok := index[term]
		if !ok {
			i = len(list)
			index[term] = i
			list = append(list, want{term: term, of: of})
		}
		list[i].weight += weight
	}
	for _, term := range lang.Terms(question) {
		add(term, "", 1)
		for _, other := range lang.Synonyms(term) {
			content[other] = content[other] || content[term]
			add(other, term, c.Synonym)
		}
	}
	for i, r := range question {
		if unicode.Is(unicode.Han, r) {
			add(question[i:i+utf8.RuneLen(r)], "", c.Character)
		}
	}
	return list
}

// lexicalScores holds the BM25 score of every passage of every part. Statistics
// are those of the live passages of all parts together, so the score of a
// passage does not depend on how the index came to be.
type lexicalScores struct {
	parts   [][]float64
	perfect float64 // what a passage full of every term would reach
}

func (ix *Index) score(q asked) lexicalScores {
	scores := lexicalScores{parts: make([][]float64, len(ix.parts))}
	for i, p := range ix.parts {
		scores.parts[i] = make([]float64, len(p.passages))
	}
	mean := ix.length / float64(max(ix.live, 1))
	if mean == 0 {
		mean = 1
	}
	k1, b := ix.cfg.K1, ix.cfg.B
	for _, w := range q.wants {
		rarity := ix.inverseFrequency(w.term)
		if w.of != "" {
			rarity = min(rarity, ix.inverseFrequency(w.of)) // it tells no more
		}
		weight := w.weight * rarity * (k1 + 1)
		if w.of == "" { // a perfect match does without synonyms
			scores.perfect += weight
		}
		for i, p := range ix.parts {
			sums := scores.parts[i]
			for _, hit := range p.postings[w.term] {
				n := float64(hit.count)
				sums[hit.passage] += weight * n / (n + k1*(1-b+b*p.lengths[hit.passage]/mean))
			}
		}
	}
	return scores
}

// inverseFrequency is BM25's idf, above 0 also for a term in every passage.
func (ix *Index) inverseFrequency(term string) float64 {
	found := 0
	for _, p := range ix.parts {
		list := p.postings[term]
		found += len(list)
		if p.dead.count > 0 {
			for _, hit := range list {
				if p.dead.has(hit.passage) {
					found--
				}
			}
		}
	}
	n := float64(found)
	return math.Log(1 + (float64(ix.live)-n+0.5)/(n+0.5))
}

// share is a BM25 score as a part of the perfect one, in [0,1].
func (s lexicalScores) share(score float64) float64 {
	if s.perfect == 0 {
		return 0
	}
	return min(score/s.perfect, 1)
}

// Lexical returns the k best passages by BM25 alone, best first, ties by id;
// passages that share no term with the question are left out. Score is the
// share of what a perfect match would reach. About a millisecond for 10,000
// passages.
func (ix *Index) Lexical(question string, k int) []desk.Passage {
	q := ix.cfg.read(question)
	scores := ix.score(q)
	top := newTop(k)
	for at, p := range ix.parts {
		for i, score := range scores.parts[at] {
			if score > 0 && !p.dead.has(int32(i)) {
				top.offer(found{part: at, place: int32(i), id: p.passages[i].ID, score: scores.share(score), lexical: score})
			}
		}
	}
	return ix.passages(q, top.list)
}

// Rank returns the BM25 scores of chunks for the question under the statistics
// of this index, in the order of chunks; 0 for chunks that are not in it.
func (ix *Index) Rank(question string, chunks []desk.ChunkID) []float64 {
	ranks := make([]float64, len(chunks))
	if len(chunks) == 0 {
		return ranks
	}
	scores := ix.score(ix.cfg.read(question))
	for n, id := range chunks {
		for at, p := range ix.parts {
			if i, ok := p.find(id); ok {
				ranks[n] = scores.parts[at][i]
			}
		}
	}
	return ranks
}

// Matched returns the terms of the question, and the synonyms of them, that
// add to the BM25 score of a chunk, in the order of the question.
func (ix *Index) Matched(question string, chunk desk.ChunkID) []string {
	var terms []string
	for _, p := range ix.parts {
		i, ok := p.find(chunk)
		if !ok {
			continue
		}
		for _, w := range ix.cfg.read(question).wants {
			if p.has(i, w.term) {
				terms = append(terms, w.term)
			}
		}
	}
	return terms
}
