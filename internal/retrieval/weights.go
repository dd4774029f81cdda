package retrieval

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"kefu/internal/desk"
)

// shipped is what `kefu retrieval train` wrote.
//
//go:embed weights.json
var shipped []byte

// Weights are what the shares of a passage count in its score. The score is
// the rest of fusion, and so much of each share that there is something to
// compare for; together they come to at most 1.
type Weights struct {
	// Vector is what the cosine similarity counts in fusion, the lexical share
	// has the rest (0 to 1). It was learned with the offline embedder; the
	// embeddings of a language model may deserve more.
	Vector float64 `json:"vector"`
	// Coverage is for the share of the question's content that the passage holds.
	Coverage float64 `json:"coverage"`
	// Alike is for how alike the question and its best sentence are, Pairs for
	// what it holds of the words that follow each other in the question.
	Alike float64 `json:"alike"`
	Pairs float64 `json:"pairs"`
	// Page is for the fusion of the best other passage found of the same page: a
	// page that is found twice is probably what was asked about.
	Page float64 `json:"page"`
}

// Learned returns the weights that the program was built with, for each
// language of a question.
func Learned() map[desk.Lang]Weights {
	var weights map[desk.Lang]Weights
	if err := json.Unmarshal(shipped, &weights); err != nil {
		panic(fmt.Errorf("retrieval: %w", err)) // a part of the program
	}
	return weights
}

// WithVector returns the configuration with one weight of vectors in every
// language.
func (c Config) WithVector(weight float64) Config {
	c.Weights = maps.Clone(c.Weights)
	for l, w := range c.Weights {
		w.Vector = weight
		c.Weights[l] = w
	}
	return c
}

// Candidates are the passages that fusion finds best for a question, with the
// shares that they are ranked by.
type Candidates struct {
	ix           *Index
	list         []found
	terms, pairs bool // the question has some
}

// Rank returns the candidates in the order that weights give them.
func (c Candidates) Rank(w Weights) []desk.ChunkID {
	c.list = slices.Clone(c.list)
	c.score(w)
	best := c.ix.top(len(c.list))
	for _, f := range c.list {
		best.offer(f)
	}
	ids := make([]desk.ChunkID, len(best.list))
	for i, f := range best.list {
		ids[i] = c.ix.id(f)
	}
	return ids
}

// score weighs the shares of each candidate.
func (c Candidates) score(w Weights) {
	paged := c.support(w)
	for i := range c.list {
		f := &c.list[i]
		rest, more := 1.0, 0.0
		count := func(weight, share float64) {
			rest -= weight
			more += weight * share
		}
		if c.terms {
			count(w.Coverage, f.coverage)
			count(w.Alike, f.sentence)
		}
		if c.pairs {
			count(w.Pairs, f.pairs)
		}
		if paged {
			count(w.Page, f.support)
		}
		fused := w.fuse(*f)
		f.fused, f.score = fused*f.preference, (rest*fused+more)*f.preference
	}
}

// fuse mixes the similarity of a passage, where there is one, with its words.
func (w Weights) fuse(f found) float64 {
	if !f.compared {
		return f.words
	}
	return w.Vector*max(f.vector, 0) + (1-w.Vector)*f.words
}

// support tells each candidate how good the best other one of its page is, and
// whether any page has two.
func (c Candidates) support(w Weights) (paged bool) {
	for i := range c.list {
		best := 0.0
		for k, other := range c.list {
			if k != i && other.page == c.list[i].page && other.page != noPage {
				best, paged = max(best, w.fuse(other)), true
			}
		}
		c.list[i].support = best
	}
	return paged
}

const noPage = -1

// pages numbers the pages of candidates: the first of the same title. Passages
// without a title, and pairs of questions and answers, which are put together
// by no subject, have none.
func (c Candidates) pages() {
	passage := func(i int) *desk.Passage { return &c.ix.parts[c.list[i].part].passages[c.list[i].place] }
	for i := range c.list {
		c.list[i].page = noPage
		p := passage(i)
		if p.Title == "" || p.Kind == desk.FAQ || p.Question != "" {
			continue
		}
		c.list[i].page = i
		for k := range i {
			if c.list[k].page != noPage && passage(k).Title == p.Title {
				c.list[i].page = c.list[k].page
				break
			}
		}
	}
}
