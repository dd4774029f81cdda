package cache

import (
	"sync"

	"kefu/internal/desk"
)

// pendingMost bounds the answers whose askings nobody has taken yet.
const pendingMost = 100_000

// askings are how often answers that have left memory were given from there.
type askings struct {
	mu      sync.Mutex
	pending map[desk.AnswerID]int64
}

// left notes an entry that leaves memory.
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

// uncounted is how often the entry was given since this was last asked.
func (e *entry) uncounted() int64 {
	n := e.given.Load()
	return n - e.counted.Swap(n)
}

// Askings returns how often answers were given again since it was last called.
// It looks through the whole memory tier.
func (c *Cache) Askings() map[desk.AnswerID]int64 {
	c.mu.Lock()
	all := c.pending
	c.pending = nil
	c.mu.Unlock()
	if all == nil {
		all = map[desk.AnswerID]int64{}
	}
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
