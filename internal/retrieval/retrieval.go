// Package retrieval finds the passages that may answer a question: by vector
// (chromem, or outside of the index) and by words (BM25), fused into one score.
//
// An Index never changes. With makes the next one beside it, sharing what
// stayed the same, so that an answer under way keeps the passages that it
// began with.
package retrieval

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"kefu/internal/desk"
)

// Item is one passage to be found. Vector may have any length; nil, and a
// vector that is zero or not finite, leaves the passage to lexical search. The
// index keeps the vector: it must not change afterwards. Key names a vector
// that is kept outside of the index instead; passages may share it.
type Item struct {
	desk.Passage
	Vector []float32
	Key    string
}

// Query is one search.
type Query struct {
	Text string
	// Lang is the language of the question; empty: no language is preferred.
	Lang desk.Lang
	// Vector is the embedding of Text. It is compared with vectors of the same
	// dimension only; nil makes the search lexical.
	Vector []float32
	// Vectors are asked for what passages name by Item.Key; nil: nothing is.
	Vectors Vectors
	// K is the number of passages wanted; none are returned below 1.
	K int
}

// Config weighs what counts for a passage. The defaults were measured on
// English and Chinese help pages, FAQs and encyclopaedic questions.
type Config struct {
	// K1 (from 0, default 1.2) dampens repeated terms, B (0 to 1, default
	// 0.75) longer passages: the parameters of BM25.
	K1, B float64
	// Title, Heading and Question count a term of that field as so many terms
	// of the text (from 0; defaults 2, 1, 2).
	Title, Heading, Question float64
	// Function weighs the terms of a question that carry no content, such as
	// "how do I" and 怎么 (0 to 1, default 0.3).
	Function float64
	// Grammar weighs those of them that only build the sentence: see
	// lang.IsGrammar (0 to 1, default 0).
	Grammar float64
	// Repeat weighs a term of the question each further time that it stands
	// there (0 to 1, default 0.5): who writes a word twice does not ask for it
	// twice as much.
	Repeat float64
	// Character weighs single Han characters against bigrams (0 to 1, default
	// 0.4).
	Character float64
	// Synonym weighs what means the same as a term of the question (0 to 1,
	// default 0.4).
	Synonym float64
	// Misspelt weighs the word that a customer probably meant by one that no
	// passage has (0 to 1, default 0.8; 0: as written).
	Misspelt float64
	// Weights rank by the shares of a passage, for each language of a question
	// (default Learned; a language that has none is ranked as English).
	Weights map[desk.Lang]Weights
	// OtherLanguage multiplies the score of passages that are not in the
	// question's language (0 to 1, default 0.8).
	OtherLanguage float64
	// Candidates is how many passages each of the two searches proposes, at
	// least K (default 50).
	Candidates int
}

// DefaultConfig returns the defaults named at the fields.
func DefaultConfig() Config {
	return Config{
		K1: 1.2, B: 0.75,
		Title: 2, Heading: 1, Question: 2,
		Function: 0.3, Repeat: 0.5, Character: 0.4, Synonym: 0.4, Misspelt: 0.8,
		Weights:       Learned(),
		OtherLanguage: 0.8,
		Candidates:    50,
	}
}

// Validate reports the first value out of its range.
func (c Config) Validate() error {
	share := func(name string, x float64) error {
		if !(x >= 0 && x <= 1) {
			return fmt.Errorf("%s is %v, want 0 to 1", name, x)
		}
		return nil
	}
	positive := func(name string, x float64) error {
		if !(x >= 0 && x <= 100) {
			return fmt.Errorf("%s is %v, want 0 to 100", name, x)
		}
		return nil
	}
	if c.Candidates < 1 {
		return fmt.Errorf("candidates is %d, want at least 1", c.Candidates)
	}
	for l, w := range c.Weights {
		if err := errors.Join(share("vector", w.Vector), share("coverage", w.Coverage), share("alike", w.Alike), share("pairs", w.Pairs),
			share("page", w.Page), share("coverage, alike, pairs and page", w.Coverage+w.Alike+w.Pairs+w.Page)); err != nil {
			return fmt.Errorf("weights of %s: %w", l, err)
		}
	}
	return errors.Join(
		positive("k1", c.K1), share("b", c.B),
		positive("title", c.Title), positive("heading", c.Heading), positive("question", c.Question),
		share("function", c.Function), share("grammar", c.Grammar), share("repeat", c.Repeat),
		share("character", c.Character), share("synonym", c.Synonym), share("misspelt", c.Misspelt),
		share("other language", c.OtherLanguage),
	)
}

// Index holds passages and finds them. It is immutable and safe for concurrent
// use.
type Index struct {
	cfg    Config
	parts  []part // by size, largest first: see settle
	live   int
	length float64 // of all live passages, in terms
}

// New indexes items on all cores. It fails on an invalid configuration, an item
// without a chunk id and a chunk id given twice.
func New(cfg Config, items []Item) (*Index, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	empty := &Index{cfg: cfg}
	return empty.with(context.Background(), items, nil, runtime.GOMAXPROCS(0))
}

// With returns an index without the documents of drop and with the items of
// add, which replace all earlier chunks of their documents. The receiver stays
// as it is. One document costs milliseconds whatever the size of the index,
// save when segments are merged.
//
// It fails when ctx ends, and on an item without a chunk id or with that of
// another live item; then there is no new index.
func (ix *Index) With(ctx context.Context, add []Item, drop []desk.DocumentID) (*Index, error) {
	return ix.with(ctx, add, drop, 1)
}

func (ix *Index) with(ctx context.Context, add []Item, drop []desk.DocumentID, cores int) (*Index, error) {
	gone := make(map[desk.DocumentID]bool, len(drop))
	for _, id := range drop {
		gone[id] = true
	}
	for i := range add {
		gone[add[i].Document] = true
	}
	parts := make([]part, 0, len(ix.parts)+1)
	for _, p := range ix.parts {
		parts = append(parts, p.without(gone))
	}
	if err := unique(add, parts); err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	if len(add) > 0 {
		s, err := newSegment(ctx, ix.cfg, add, cores)
		if err != nil {
			return nil, fmt.Errorf("retrieval: %w", err)
		}
		parts = append(parts, part{segment: s})
	}
	parts, err := settle(ctx, parts)
	if err != nil {
		return nil, fmt.Errorf("retrieval: %w", err)
	}
	next := &Index{cfg: ix.cfg, parts: parts}
	for i, p := range parts {
		parts[i].rarities = sync.OnceValue(func() []atomic.Uint32 { return make([]atomic.Uint32, len(p.names)) })
		next.live += p.live()
		next.length += p.liveLength()
	}
	return next, nil
}

// unique checks the chunk ids of add against each other and against parts.
func unique(add []Item, parts []part) error {
	seen := make(map[desk.ChunkID]bool, len(add))
	for i := range add {
		id := add[i].ID
		if id == "" {
			return fmt.Errorf("item %d of document %q has no chunk id", i, add[i].Document)
		}
		taken := seen[id]
		for _, p := range parts {
			_, found := p.find(id)
			taken = taken || found
		}
		if taken {
			return fmt.Errorf("chunk id %q is taken", id)
		}
		seen[id] = true
	}
	return nil
}

// Len is the number of passages.
func (ix *Index) Len() int { return ix.live }

// find returns where a chunk is.
func (ix *Index) find(id desk.ChunkID) (part int, place int32, found bool) {
	for at, p := range ix.parts {
		if place, found := p.find(id); found {
			return at, place, true
		}
	}
	return 0, 0, false
}

// Document returns the hash of a document that has passages in the index.
func (ix *Index) Document(id desk.DocumentID) (hash string, ok bool) {
	for _, p := range ix.parts {
		for _, i := range p.documents[id] {
			if !p.dead.has(i) {
				return p.passages[i].Hash, true
			}
		}
	}
	return "", false
}

// Since returns the chunks of documents published after rev, newest first. It
// costs nothing when there are none.
func (ix *Index) Since(rev desk.Revision) []desk.ChunkID {
	var ids []desk.ChunkID
	for _, p := range ix.parts {
		for _, i := range p.newest {
			if p.passages[i].Revision <= rev {
				break
			}
			if !p.dead.has(i) {
				ids = append(ids, p.passages[i].ID)
			}
		}
	}
	return ids
}
