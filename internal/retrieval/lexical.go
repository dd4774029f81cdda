package retrieval

import (
	"math"
	"sync"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// startsHan tells terms in Han characters from words.
func startsHan(term string) bool {
	r, _ := utf8.DecodeRuneInString(term)
	return unicode.Is(unicode.Han, r)
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
	of     string // the term that it stands for, a synonym or another spelling; empty: it is in the question

	lists  [][]posting // where it occurs, by part
	found  int         // in so many live passages
	rarity float64     // see rarity
}

// asked is a question as a search of one index needs it, read once.
type asked struct {
	terms   []string            // all, in order
	wants   []want              // see wants
	places  map[string]int      // in wants, by term
	content []string            // terms that carry its meaning, in order
	stands  map[string][]string // for other terms: a misspelt word, a part number and its pieces
}

// stand notes that a term stands for another, which counts so much.
func (q *asked) stand(term string, w want) {
	if q.stands == nil {
		q.stands = make(map[string][]string)
	}
	q.stands[term] = append(q.stands[term], w.term)
	if _, there := q.places[w.term]; !there {
		w.of = term
		q.places[w.term] = len(q.wants)
		q.wants = append(q.wants, w)
	}
}

// read looks every term of a question up once.
func (ix *Index) read(question string) asked {
	question = lang.Simplify(question)
	terms, content := lang.AllTerms(question)
	wants, places := ix.cfg.wants(question, terms, content)
	q := asked{terms: terms, wants: wants, places: places, content: content}
	lists := make([][]posting, len(q.wants)*len(ix.parts))
	for i := range q.wants {
		q.wants[i].lists, lists = lists[:len(ix.parts)], lists[len(ix.parts):]
		ix.look(&q.wants[i])
	}
	ix.join(&q)
	ix.name(&q)
	ix.correct(&q)
	return q
}

// correct adds the words that misspelt ones of a question stand for.
func (ix *Index) correct(q *asked) {
	if ix.cfg.Misspelt == 0 {
		return
	}
	for _, term := range q.content {
		at, ok := q.places[term]
		if !ok || q.wants[at].known() || len(q.stands) >= mostMisspelt {
			continue
		}
		word := ix.meant(term)
		if _, there := q.places[word]; there || word == "" {
			continue
		}
		w := ix.wanted(*q, word)
		w.weight = q.wants[at].weight * ix.cfg.Misspelt
		q.stand(term, w)
	}
}

// rarityOf is that of a term of a part, looked up once.
func (ix *Index) rarityOf(at int, t term) float64 {
	known := &ix.parts[at].rarities()[t]
	if bits := known.Load(); bits != 0 {
		return float64(math.Float32frombits(bits))
	}
	w := want{term: ix.parts[at].names[t], lists: make([][]posting, len(ix.parts))}
	ix.look(&w)
	known.Store(math.Float32bits(float32(w.rarity)))
	return float64(float32(w.rarity))
}

// look finds where a term occurs.
func (ix *Index) look(w *want) {
	for i, p := range ix.parts {
		w.lists[i] = p.list(w.term)
	}
	w.found = ix.occurrences(w.lists)
	w.rarity = rarity(ix.live, w.found)
}

// wanted returns what is known of a term of a question, or of a synonym.
func (ix *Index) wanted(q asked, term string) want {
	if i, ok := q.places[term]; ok {
		return q.wants[i]
	}
	w := want{term: term, lists: make([][]posting, len(ix.parts))} // one that counts nothing
	ix.look(&w)
	return w
}

// wants returns the distinct terms of a question in order of appearance, and
// where each of them is. What a term counts it counts again, times Repeat, each
// further time that it stands there.
func (c Config) wants(question string, terms, contentTerms []string) ([]want, map[string]int) {
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
		switch {
		case content[term]:
		case lang.IsGrammar(term):
			weight *= c.Grammar
		default:
			weight *= c.Function
		}
		if weight == 0 {
			return
		}
		i, ok := index[term]
		if ok {
			weight *= c.Repeat
		} else {
			i = len(list)
			index[term] = i
			list = append(list, want{term: term, of: of})
		}
		list[i].weight += weight
	}
	for _, term := range terms {
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
	return list, index
}

// lexicalScores holds the BM25 score of every passage of every part. Statistics
// are those of the live passages of all parts together, so the score of a
// passage does not depend on how the index came to be.
type lexicalScores struct {
	parts   [][]float64
	perfect float64    // what a passage full of every term would reach
	sums    *[]float64 // holds the parts
}

// scratch holds the sums of searches that are over, all 0: fresh memory for
// each would cost as much as the search of a small knowledge base.
var scratch sync.Pool

// release gives the memory of the parts back, which nobody may read any more.
func (s lexicalScores) release() {
	clear(*s.sums)
	scratch.Put(s.sums)
}

// zeros returns n sums, all 0.
func zeros(n int) *[]float64 {
	sums, _ := scratch.Get().(*[]float64)
	if sums == nil || cap(*sums) < n {
		sums = new(make([]float64, n))
	}
	*sums = (*sums)[:n]
	return sums
}

func (ix *Index) score(q asked) lexicalScores {
	all := 0
	for _, p := range ix.parts {
		all += len(p.passages)
	}
	scores := lexicalScores{parts: make([][]float64, len(ix.parts)), perfect: ix.perfect(q), sums: zeros(all)}
	rest := *scores.sums
	for i, p := range ix.parts {
		scores.parts[i], rest = rest[:len(p.passages)], rest[len(p.passages):]
	}
	mean := ix.length / float64(max(ix.live, 1))
	if mean == 0 {
		mean = 1
	}
	k1, b := ix.cfg.K1, ix.cfg.B
	for _, w := range q.wants {
		rarity := w.rarity
		if w.of != "" {
			rarity = min(rarity, ix.wanted(q, w.of).rarity) // it tells no more
		}
		weight := w.weight * rarity * (k1 + 1)
		for i, p := range ix.parts {
			sums := scores.parts[i]
			for _, hit := range w.lists[i] {
				n := float64(hit.count)
				sums[hit.passage] += weight * n / (n + k1*(1-b+b*p.lengths[hit.passage]/mean))
			}
		}
	}
	return scores
}

// perfect is the BM25 score of a passage full of every term of the question; it
// does without synonyms.
func (ix *Index) perfect(q asked) float64 {
	sum := 0.0
	for _, w := range q.wants {
		if w.of == "" {
			sum += w.weight * w.rarity * (ix.cfg.K1 + 1)
		}
	}
	return sum
}

// occurrences counts the live passages of lists.
func (ix *Index) occurrences(lists [][]posting) (found int) {
	for i, p := range ix.parts {
		found += len(lists[i])
		if p.dead.count > 0 {
			for _, hit := range lists[i] {
				if p.dead.has(hit.passage) {
					found--
				}
			}
		}
	}
	return found
}

// background is how many passages without a term are counted beside those that
// there are. A handful tells little of how rare a word is: of two documents, one
// about parcels, "parcel" would weigh a fifth of a word that neither holds.
const background = 10

// rarity is BM25's idf of a term in so many of all passages.
func rarity(all, found int) float64 {
	n := float64(found)
	return math.Log(1 + (float64(all)+background-n+0.5)/(n+0.5))
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
	q := ix.read(question)
	scores := ix.score(q)
	defer scores.release()
	top := ix.top(k)
	for at, p := range ix.parts {
		for i, score := range scores.parts[at] {
			if score > 0 && !p.dead.has(int32(i)) {
				if share := scores.share(score); top.takes(share) {
					top.offer(found{part: at, place: int32(i), score: share, lexical: score})
				}
			}
		}
	}
	terms := ix.contentTerms(q)
	for i, f := range top.list {
		top.list[i].coverage = coverage(terms, f.part, f.place)
	}
	return ix.passages(top.list)
}

// Rank returns the BM25 scores of chunks for the question under the statistics
// of this index, in the order of chunks; 0 for chunks that are not in it.
func (ix *Index) Rank(question string, chunks []desk.ChunkID) []float64 {
	ranks := make([]float64, len(chunks))
	if len(chunks) == 0 {
		return ranks
	}
	scores := ix.score(ix.read(question))
	defer scores.release()
	for n, id := range chunks {
		if at, i, found := ix.find(id); found {
			ranks[n] = scores.parts[at][i]
		}
	}
	return ranks
}

// Matched returns the terms of the question, and the synonyms of them, that
// add to the BM25 score of a chunk, in the order of the question.
func (ix *Index) Matched(question string, chunk desk.ChunkID) []string {
	var terms []string
	for at, p := range ix.parts {
		i, ok := p.find(chunk)
		if !ok {
			continue
		}
		for _, w := range ix.read(question).wants {
			if w.in(at, i) {
				terms = append(terms, w.term)
			}
		}
	}
	return terms
}
