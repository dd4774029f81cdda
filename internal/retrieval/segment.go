package retrieval

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/philippgille/chromem-go"
	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// segment is an immutable batch of passages with both of their indexes.
type segment struct {
	passages []desk.Passage
	readings []reading
	vectors  [][]float32 // of length 1, or nil
	keys     []string    // of vectors that are kept outside, or ""
	lengths  []float64   // in terms, fields weighted

	vocabulary map[string]term
	names      []string    // of terms
	content    []bool      // tells terms that are no stop words
	postings   [][]posting // of terms, each list by growing passage

	// collections holds the vectors by dimension: chromem cannot search a
	// collection of several.
	collections map[int]*chromem.Collection

	documents map[desk.DocumentID][]int32
	pages     map[string][]desk.DocumentID // see pageOf
	chunks    map[desk.ChunkID]int32
	products  map[string][]product // by part number
	newest    []int32              // all passages, latest revision first
	byKey     []int32              // those that have a key, by it

	words func() map[shape][]word // see shapes; made when first asked for
}

// posting says how often a term occurs in a passage, fields weighted.
type posting struct {
	passage int32
	count   float32
}

// newSegment indexes items on at most so many cores: each reads its share of
// them, in order, and the first takes in the others.
func newSegment(ctx context.Context, cfg Config, items []Item, cores int) (*segment, error) {
	shares := make([]*segment, 0, cores)
	g, reading := errgroup.WithContext(ctx)
	for share := range slices.Chunk(items, (len(items)+cores-1)/cores) {
		s := emptySegment(len(share))
		shares = append(shares, s)
		g.Go(func() error { return s.index(reading, cfg, share) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, s := range shares[1:] {
		shares[0].take(part{segment: s})
	}
	return shares[0].sealed(ctx)
}

// index adds items to a segment that is not sealed.
func (s *segment) index(ctx context.Context, cfg Config, items []Item) error {
	for i := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := items[i].Passage
		p.Score, p.Vector, p.Lexical = 0, 0, 0
		r, length := s.read(cfg, &p, int32(len(s.passages)))
		at := s.append(p, r, unit(items[i].Vector), items[i].Key, length)
		s.learn(at, p.Text)
	}
	return nil
}

func emptySegment(size int) *segment {
	return &segment{
		passages:   make([]desk.Passage, 0, size),
		readings:   make([]reading, 0, size),
		vectors:    make([][]float32, 0, size),
		keys:       make([]string, 0, size),
		lengths:    make([]float64, 0, size),
		vocabulary: make(map[string]term),
		documents:  make(map[desk.DocumentID][]int32),
		pages:      make(map[string][]desk.DocumentID),
		chunks:     make(map[desk.ChunkID]int32, size),
		products:   make(map[string][]product),
	}
}

// term returns the term of a name, which may be new.
func (s *segment) term(name string) term {
	t, known := s.vocabulary[name]
	if !known {
		name = strings.Clone(name) // it would keep the whole text
		t = term(len(s.names))
		s.vocabulary[name] = t
		s.names = append(s.names, name)
		s.content = append(s.content, !lang.IsStopWord(name))
		s.postings = append(s.postings, nil)
	}
	return t
}

// list returns where the term of a name occurs.
func (s *segment) list(name string) []posting {
	if t, known := s.vocabulary[name]; known {
		return s.postings[t]
	}
	return nil
}

func (s *segment) append(p desk.Passage, r reading, vector []float32, key string, length float64) int32 {
	at := int32(len(s.passages))
	s.passages = append(s.passages, p)
	s.readings = append(s.readings, r)
	s.vectors = append(s.vectors, vector)
	s.keys = append(s.keys, key)
	if key != "" {
		s.byKey = append(s.byKey, at)
	}
	s.lengths = append(s.lengths, length)
	if page := pageOf(p); page != "" && len(s.documents[p.Document]) == 0 {
		s.pages[page] = append(s.pages[page], p.Document)
	}
	s.documents[p.Document] = append(s.documents[p.Document], at)
	s.chunks[p.ID] = at
	return at
}

// sealed derives what is only known once every passage is there.
func (s *segment) sealed(ctx context.Context) (*segment, error) {
	s.newest = make([]int32, len(s.passages))
	for i := range s.newest {
		s.newest[i] = int32(i)
	}
	slices.SortStableFunc(s.newest, func(a, b int32) int {
		return cmp.Compare(s.passages[b].Revision, s.passages[a].Revision)
	})
	slices.SortFunc(s.byKey, func(a, b int32) int { return cmp.Compare(s.keys[a], s.keys[b]) })
	s.words = sync.OnceValue(s.shapes)
	var err error
	s.collections, err = newCollections(ctx, s.vectors)
	return s, err
}

// part is a segment as one index sees it: some of its passages may be dead.
type part struct {
	*segment
	dead tombstones

	rarities func() []atomic.Uint32 // of terms, as far as they were asked for: see rarityOf
}

func (p part) live() int { return len(p.passages) - p.dead.count }

// liveLength is the number of terms in the live passages.
func (p part) liveLength() float64 {
	total := 0.0
	for i, n := range p.lengths {
		if !p.dead.has(int32(i)) {
			total += n
		}
	}
	return total
}

// find returns the place of a live chunk.
func (p part) find(id desk.ChunkID) (int32, bool) {
	i, ok := p.chunks[id]
	return i, ok && !p.dead.has(i)
}

// without returns the part with the passages of the documents gone dead.
func (p part) without(gone map[desk.DocumentID]bool) part {
	var dying []int32
	for id := range gone {
		for _, i := range p.documents[id] {
			if !p.dead.has(i) {
				dying = append(dying, i)
			}
		}
	}
	if len(dying) > 0 {
		p.dead = p.dead.with(dying, len(p.passages))
	}
	return p
}

// tombstones is the immutable set of the dead passages of a part.
type tombstones struct {
	bits  []uint64
	count int
}

func (t tombstones) has(i int32) bool {
	return t.bits != nil && t.bits[i/64]&(1<<(i%64)) != 0
}

// with returns the set with more, none of which it holds yet, of size passages.
func (t tombstones) with(more []int32, size int) tombstones {
	next := tombstones{bits: make([]uint64, (size+63)/64), count: t.count + len(more)}
	copy(next.bits, t.bits)
	for _, i := range more {
		next.bits[i/64] |= 1 << (i % 64)
	}
	return next
}

// settle drops empty parts and merges others, so that a search looks at few
// segments and few dead passages: each part ends at least twice as large as
// the one after it and at least half alive. Merging costs every passage at
// most a logarithmic number of copies over its life; no text is analysed again.
func settle(ctx context.Context, parts []part) ([]part, error) {
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.live() == 0 })
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.live(), a.live()) })

	settled := make([]part, 0, len(parts))
	for i := len(parts) - 1; i >= 0; i-- { // smallest first
		group, size := []part{parts[i]}, parts[i].live()
		for i > 0 && parts[i-1].live() < 2*size {
			i--
			group = append(group, parts[i])
			size += parts[i].live()
		}
		if len(group) > 1 || group[0].dead.count > group[0].live() {
			slices.Reverse(group)
			merged, err := merge(ctx, group)
			if err != nil {
				return nil, err
			}
			group = []part{{segment: merged}}
		}
		settled = append(settled, group[0])
	}
	slices.Reverse(settled)
	return settled, nil
}

// merge copies the live passages of parts into one segment.
func merge(ctx context.Context, parts []part) (*segment, error) {
	size := 0
	for _, p := range parts {
		size += p.live()
	}
	s := emptySegment(size)
	for _, p := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.take(p)
	}
	return s.sealed(ctx)
}

// take copies the live passages of a part into a segment that is not sealed.
func (s *segment) take(p part) {
	terms := make([]term, len(p.names)) // as they are called here
	for i := range terms {
		terms[i] = unnamed
	}
	named := func(t term) term {
		if terms[t] == unnamed {
			terms[t] = s.term(p.names[t])
		}
		return terms[t]
	}
	moved := make([]int32, len(p.passages)) // new place, -1 for the dead
	for i := range moved {
		moved[i] = -1
		if !p.dead.has(int32(i)) {
			moved[i] = s.append(p.passages[i], p.readings[i].with(named), p.vectors[i], p.keys[i], p.lengths[i])
		}
	}
	for t, list := range p.postings {
		for _, hit := range list {
			if to := moved[hit.passage]; to >= 0 {
				at := named(term(t))
				s.postings[at] = append(s.postings[at], posting{to, hit.count})
			}
		}
	}
	for number, list := range p.products {
		for _, of := range list {
			if to := moved[of.passage]; to >= 0 {
				s.products[number] = append(s.products[number], product{to, of.terms})
			}
		}
	}
}
