package cache

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Kin is what the semantic tier knows of a question, by which others that ask
// nearly the same find its answer.
type Kin struct {
	Scope    Key      // only questions of one scope are related; empty: related to none
	Question string   // as it was asked
	Terms    []string // its words that carry content
}

const (
	relatedMost  = 50_000 // questions remembered, at about 1 KB each
	longestKin   = 64     // terms that a question may have to be remembered
	examinedMost = 64     // questions whose terms one lookup compares
	proposedMost = 3      // questions that one lookup proposes
)

// Relate makes the answer at key, which Put has stored or Get has brought into
// memory, findable by Near.
func (c *Cache) Relate(key Key, kin Kin) {
	if c.near != nil && kin.Scope != "" {
		c.near.add(key, kin)
	}
}

// Relates tells whether the semantic tier is on.
func (c *Cache) Relates() bool { return c.near != nil }

// Near finds in memory the answer to another question of kin's scope. It looks at
// the three closest of those that share two thirds of their terms with kin, the
// closest first, and returns the first answer whose question same accepts and
// which valid accepts. An answer that is gone or not valid is not proposed again.
func (c *Cache) Near(kin Kin, same func(question string) bool, valid func(desk.Answer) bool) (desk.Answer, bool) {
	if c.near == nil || kin.Scope == "" {
		return desk.Answer{}, false
	}
	start := time.Now()
	a, ok := c.kindred(kin, same, valid)
	c.obs.CacheLookup(desk.TierSemantic, result(ok), time.Since(start))
	return a, ok
}

func (c *Cache) kindred(kin Kin, same func(string) bool, valid func(desk.Answer) bool) (desk.Answer, bool) {
	for _, p := range c.near.propose(kin) {
		e, ok := c.memory.GetIfPresent(p.key)
		switch {
		case !ok:
			c.near.drop(p.key)
		case !same(p.question):
		case !valid(e.Answer):
			c.near.drop(p.key)
		default:
			e.given.Add(1)
			return e.Answer, true
		}
	}
	return desk.Answer{}, false
}

// near is an inverted index of the questions whose answers are in memory. Every
// miss looks into it, which takes about 2 µs and allocates nothing where nothing
// is found. It is safe for concurrent use.
type near struct {
	seed  maphash.Seed
	limit int

	mu     sync.Mutex
	slots  []related // grows to limit
	free   []int32   // slots that hold nothing
	oldest int       // the slot that is emptied next when none is free
	at     map[Key]int32
	having map[uint64][]int32 // slots by term, the newest last
	seen   []uint32           // by slot, the lookup that last examined it
	looks  uint32             // lookups so far
}

// related is a remembered question; its terms are digests, sorted.
type related struct {
	key, scope Key
	question   string
	terms      []uint64
}

func newNear(limit int) *near {
	return &near{seed: maphash.MakeSeed(), limit: limit, at: map[Key]int32{}, having: map[uint64][]int32{}}
}

// digest appends the hashes of kin's terms, sorted and each once. The same term
// has different hashes in different scopes. A question of more than longestKin
// terms has none.
func (n *near) digest(terms []uint64, kin Kin) []uint64 {
	scope := maphash.String(n.seed, string(kin.Scope))
	for _, t := range kin.Terms {
		if len(terms) == longestKin {
			return nil
		}
		terms = append(terms, maphash.String(n.seed, t)^scope)
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

func (n *near) add(key Key, kin Kin) {
	terms := n.digest(make([]uint64, 0, min(len(kin.Terms), longestKin)), kin)
	if len(terms) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if slot, ok := n.at[key]; ok {
		n.empty(slot)
	}
	slot := n.slot()
	n.slots[slot] = related{key: key, scope: kin.Scope, question: kin.Question, terms: terms}
	n.at[key] = slot
	for _, t := range terms {
		n.having[t] = append(n.having[t], slot)
	}
}

// drop forgets the question of an answer.
func (n *near) drop(key Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if slot, ok := n.at[key]; ok {
		n.empty(slot)
	}
}

// slot returns a free one. n.mu is held, as in all methods below.
func (n *near) slot() int32 {
	if len(n.free) == 0 && len(n.slots) < n.limit {
		n.slots, n.seen = append(n.slots, related{}), append(n.seen, 0)
		return int32(len(n.slots) - 1)
	}
	if len(n.free) == 0 {
		n.empty(int32(n.oldest))
		n.oldest = (n.oldest + 1) % n.limit
	}
	last := len(n.free) - 1
	slot := n.free[last]
	n.free = n.free[:last]
	return slot
}

func (n *near) empty(slot int32) {
	r := n.slots[slot]
	for _, t := range r.terms {
		list := n.having[t]
		if len(list) == 1 {
			delete(n.having, t)
			continue
		}
		i := len(list) - 1
		for list[i] != slot { // it is there, mostly near the end: a full memory gives up what came last
			i--
		}
		n.having[t] = slices.Delete(list, i, i+1)
	}
	delete(n.at, r.key)
	n.slots[slot] = related{}
	n.free = append(n.free, slot)
}

// proposal is a question that may be the same as another.
type proposal struct {
	key      Key
	question string
	share    float64 // of the terms of both questions that they have in common
}

// propose returns the questions nearest to kin's, the nearest first. A question
// that shares two thirds of all terms with kin shares at least half of kin's own,
// so that looking up the rarer half of these, and one more, finds it.
func (n *near) propose(kin Kin) []proposal {
	var buffer [longestKin]uint64
	terms := n.digest(buffer[:0], kin)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.looks++
	var space [longestKin][]int32
	lists := space[:0]
	for _, t := range terms {
		lists = append(lists, n.having[t])
	}
	slices.SortFunc(lists, func(a, b []int32) int { return cmp.Compare(len(a), len(b)) })

	var found []proposal
	examined := 0
	for _, list := range lists[:min(len(lists), len(lists)/2+1)] {
		for _, slot := range slices.Backward(list) {
			if n.seen[slot] == n.looks {
				continue
			}
			if examined++; examined > examinedMost {
				return nearest(found)
			}
			n.seen[slot] = n.looks
			r := &n.slots[slot]
			all, both := len(terms)+len(r.terms), common(terms, r.terms)
			if r.scope == kin.Scope && 3*both >= all {
				found = append(found, proposal{r.key, r.question, 2 * float64(both) / float64(all)})
			}
		}
	}
	return nearest(found)
}

func nearest(found []proposal) []proposal {
	slices.SortStableFunc(found, func(a, b proposal) int { return cmp.Compare(b.share, a.share) })
	return found[:min(len(found), proposedMost)]
}

// common counts what two sorted lists both have.
func common(a, b []uint64) (n int) {
	for len(a) > 0 && len(b) > 0 {
		switch c := cmp.Compare(a[0], b[0]); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			n, a, b = n+1, a[1:], b[1:]
		}
	}
	return n
}
