package retrieval

import "slices"

// reader tells what the sentences of passages hold of a question's terms. It is
// not safe for concurrent use.
type reader struct {
	ix    *Index
	terms []meaning
	all   float64 // of their weights
	pairs []pair
	every float64 // of theirs

	parts []map[term]role // by part; nil: none of it was read yet
	seen  []int           // by term: the piece that it was last seen in
	piece int
}

// pair is two terms of a question, one behind the other.
type pair struct {
	first, second string
	weight        float64
}

// role is what a term of a part is to a question.
type role struct {
	meanings []int // that it stands for
	begins   []int // pairs
	ends     []int
}

func (ix *Index) reader(terms []meaning, pairs []pair) *reader {
	r := &reader{ix: ix, terms: terms, pairs: pairs, parts: make([]map[term]role, len(ix.parts)), seen: make([]int, len(terms))}
	for _, t := range terms {
		r.all += t.weight
	}
	for _, p := range pairs {
		r.every += p.weight
	}
	return r
}

// wordPairs are the words that follow each other in a question, each pair once,
// by how rare both of them are.
func (q asked) wordPairs() []pair {
	var pairs []pair
	for i := 0; i+1 < len(q.terms); i++ {
		p := pair{first: q.terms[i], second: q.terms[i+1]}
		if startsHan(p.first) || startsHan(p.second) {
			continue
		}
		for _, word := range [...]string{p.first, p.second} {
			if at, ok := q.places[word]; ok {
				p.weight += min(q.wants[at].weight, 1) * q.wants[at].rarity
			}
		}
		if p.weight > 0 && !slices.ContainsFunc(pairs, func(other pair) bool { return other.first == p.first && other.second == p.second }) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// hanPairs are the bigrams that overlap in a question: three characters of a
// name, say. One that probably spans the border of two words weighs as little
// as it does alone.
func hanPairs(terms []meaning) []pair {
	var pairs []pair
	for i := 0; i+1 < len(terms); i++ {
		if one, next := terms[i], terms[i+1]; overlap(one.term, next.term) {
			pairs = append(pairs, pair{one.term, next.term, min(one.weight, next.weight)})
		}
	}
	return pairs
}

// roles are those of a part.
func (r *reader) roles(part int) map[term]role {
	if r.parts[part] != nil {
		return r.parts[part]
	}
	roles := make(map[term]role, 2*len(r.terms)+2*len(r.pairs))
	add := func(name string, to func(*role)) {
		if t, known := r.ix.parts[part].vocabulary[name]; known {
			is := roles[t]
			to(&is)
			roles[t] = is
		}
	}
	for i, m := range r.terms {
		means := func(is *role) { is.meanings = append(is.meanings, i) }
		add(m.term, means)
		for _, other := range m.synonyms {
			add(other.term, means)
		}
	}
	for i, p := range r.pairs {
		add(p.first, func(is *role) { is.begins = append(is.begins, i) })
		add(p.second, func(is *role) { is.ends = append(is.ends, i) })
	}
	r.parts[part] = roles
	return roles
}

// begin forgets which terms were seen.
func (r *reader) begin() { r.piece++ }

// held is the weight of the terms that a piece holds and that were not seen.
func (r *reader) held(roles map[term]role, piece []term) (weight float64) {
	for _, t := range piece {
		for _, m := range roles[t].meanings {
			if r.seen[m] != r.piece {
				r.seen[m] = r.piece
				weight += r.terms[m].weight
			}
		}
	}
	return weight
}

// absent is the weight of the rarest term that was not seen.
func (r *reader) absent() (weight float64) {
	for m, t := range r.terms {
		if r.seen[m] != r.piece {
			weight = max(weight, t.weight)
		}
	}
	return weight
}

// alike is how much the question and that sentence of a passage which is most
// like it have in common: twice what both hold by what each holds, in [0,1]
// (Dice's coefficient, terms weighed by their rarity).
func (r *reader) alike(part int, passage int32) (best float64) {
	if r.all == 0 {
		return 0
	}
	p, roles := r.ix.parts[part], r.roles(part)
	text := p.readings[passage]
	for sentence := range text.pieces(text.question) {
		r.begin()
		held := r.held(roles, sentence)
		if held == 0 || 2*held <= best*(r.all+held) {
			continue // it can be no better
		}
		weight := 0.0
		for _, t := range sentence {
			if p.content[t] {
				weight += r.ix.rarityOf(part, t)
			}
		}
		best = max(best, min(2*held/(r.all+weight), 1))
	}
	return best
}

// paired is the weighted share of the pairs that follow each other in a passage
// too, 0 of none.
func (r *reader) paired(part int, passage int32) float64 {
	if r.every == 0 {
		return 0
	}
	roles, found, held := r.roles(part), make([]bool, len(r.pairs)), 0.0
	var before role
	for _, t := range r.ix.parts[part].readings[passage].terms {
		is := roles[t] // none of a border
		for _, i := range is.ends {
			if !found[i] && slices.Contains(before.begins, i) {
				found[i] = true
				held += r.pairs[i].weight
			}
		}
		before = is
	}
	return held / r.every
}

// run is the weight of the longest run among the terms from one to another that
// a passage holds in this order, one behind the other.
func (r *reader) run(part int, passage int32, from, to int) (longest float64) {
	type end struct {
		at     int // in the passage
		weight float64
	}
	roles, ends := r.roles(part), make([]end, len(r.terms))
	for n, t := range r.ix.parts[part].readings[passage].terms {
		for _, m := range roles[t].meanings {
			if m < from || m >= to {
				continue
			}
			weight := r.terms[m].weight
			if m > from && n > 0 && ends[m-1].at == n-1 {
				weight += ends[m-1].weight
			}
			ends[m] = end{n, weight}
			longest = max(longest, weight)
		}
	}
	return longest
}
