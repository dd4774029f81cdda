package cache

import (
	"sync"

	"kefu/internal/desk"
)

// pendingMost bounds how many answers that have left memory are counted between
// two calls of Askings; further ones are not.
const pendingMost = 100_000

// askings counts how often answers that have left memory were given again.
// It is safe for concurrent use.
type askings struct {
	mu      sync.Mutex
	pending map[desk.AnswerID]int64 // nil: none since they were last taken
}

// left adds what an entry that leaves memory was not yet counted for.
func (a *askings) left(e *entry) {
	n := e.uncounted()
	if n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending == nil {
		a.pending = map[desk.AnswerID]int64{}
	}
	if len(a.pending) < pendingMost {
		a.pending[e.ID] += n
	}
}

// take returns the counts and starts over.
func (a *askings) take() map[desk.AnswerID]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.pending
	a.pending = nil
	if all == nil {
		return map[desk.AnswerID]int64{}
	}
	return all
}

// uncounted is how often the entry was given again since the last call.
func (e *entry) uncounted() int64 {
	n := e.given.Load()
	return n - e.counted.Swap(n)
}

// Askings returns how often each answer was given again, from either tier, since
// the last call. It looks through the whole memory tier.
func (c *Cache) Askings() map[desk.AnswerID]int64 {
	all := c.askings.take()
	if c.memory == nil {
		return all
	}
	for e := range c.memory.Values() {
		if n := e.uncounted(); n > 0 {
			all[e.ID] += n
		}
	}
	return all
}
