package cache

import (
	"context"
	"errors"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
)

const (
	// claimFor is how long a claim lasts, whether the answer was renewed or not.
	// Where answers live shorter than two minutes, it is half of their life.
	claimFor = time.Minute
	// claimsMost is how many claims are remembered.
	claimsMost = 10_000
	// hot is how often an answer must have been given from memory to be due.
	hot = 3
)

// renewal says when answers are renewed.
type renewal struct {
	after  time.Duration // age from which an answer is old; 0: never
	claim  time.Duration // how long a claim lasts
	claims *otter.Cache[Key, struct{}]
}

// newRenewal reckons with the tier that keeps answers longest, and there with the
// shortest life that Jitter allows: an answer must become old before it expires.
func newRenewal(cfg Config, redis bool) (r renewal, err error) {
	ttl := cfg.MemoryTTL
	if redis {
		ttl = cfg.RedisTTL
	}
	if cfg.Refresh > 0 {
		r.after = time.Duration(float64(ttl) * (1 - cfg.Jitter) * (1 - cfg.Refresh))
	}
	r.claim = min(claimFor, ttl/2)
	r.claims, err = otter.New(&otter.Options[Key, struct{}]{
		MaximumSize: claimsMost, ExpiryCalculator: otter.ExpiryWriting[Key, struct{}](r.claim),
	})
	return r, err
}

// old tells whether an answer should be renewed.
func (r *renewal) old(a desk.Answer, now time.Time) bool {
	return r.after > 0 && !a.Composed.IsZero() && now.Sub(a.Composed) > r.after
}

// Due tells whether an answer that Get has found is old and asked for often, so
// that it is worth composing anew while it can still be given.
func (c *Cache) Due(key Key, a desk.Answer, now time.Time) bool {
	if !c.old(a, now) || c.memory == nil {
		return false
	}
	e, ok := c.memory.GetEntryQuietly(key)
	return ok && e.Value.given.Load() >= hot
}

// Renewed tells whether an answer that valid accepts is there and not old, in
// memory or, where another replica has put it, in Redis. No observer is told.
func (c *Cache) Renewed(ctx context.Context, key Key, valid func(desk.Answer) bool) bool {
	now := time.Now()
	if a, ok := c.Peek(key, valid); ok && !c.old(a, now) {
		return true
	}
	if c.remote == nil {
		return false
	}
	a, outcome, _ := c.remote.get(ctx, key, nil) // without an asker to admit there is no error
	if outcome != Hit || c.old(*a, now) || !valid(*a) {
		return false
	}
	if c.memory != nil {
		c.memory.Set(key, &entry{Answer: *a})
	}
	return true
}

// Claim tells whether the caller may renew that answer. Of all replicas one at a
// time may, for a minute or, where answers live shorter, half of their life.
// While Redis is down nobody may.
func (c *Cache) Claim(ctx context.Context, key Key) bool {
	if _, first := c.claims.SetIfAbsent(key, struct{}{}); !first {
		return false
	}
	return c.remote == nil || c.remote.claim(ctx, key, c.claim)
}

func (r *remote) claim(ctx context.Context, key Key, ttl time.Duration) bool {
	if r.down.Load() {
		return false
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	err := r.client.SetArgs(ctx, string(key)+":claim", 1, redis.SetArgs{Mode: "NX", TTL: ttl}).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		r.blame(ctx, start, err)
	}
	return err == nil
}
