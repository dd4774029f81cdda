// Package cache keeps composed answers in two tiers, memory in front of Redis.
// Over the memory tier lies a third, semantic one: it finds the answer to a
// question that differs from the one asked by its wording alone.
//
// The cache stores and finds. Whether an entry is still true is decided by the
// caller at every read. Redis makes answers faster and is never needed: while it
// is down, lookups miss at once.
package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Config bounds both tiers. The defaults are those of the configuration: New
// takes the values as they are. All answers are shared by a tenant's users.
type Config struct {
	MemoryEntries int           // 0 turns the memory tier off; default 10,000
	MemoryTTL     time.Duration // default 1 h
	Semantic      bool          // whether Near finds anything; needs the memory tier
	RedisTTL      time.Duration // default 168 h
	Jitter        float64       // an entry lives up to this share less than its TTL, in [0,1); default 0.1
	// Refresh is the last share of an answer's life, in [0,1), in which it is Due
	// to be composed anew; 0: never.
	Refresh float64
	// Timeout bounds each Redis operation on the path of a question; default
	// 40 ms.
	Timeout time.Duration
	// Seals encrypts the entries in Redis; default none, as with a ring that has
	// no key. An entry that cannot be decrypted is a miss.
	Seals *seal.Ring
	// Logger is told when Redis is lost and when it is back; default
	// slog.Default().
	Logger *slog.Logger
}

// Results of a lookup, a closed set for metrics.
const (
	Hit    = "hit"
	Miss   = "miss"
	Bypass = "bypass" // not looked up: the tier is down, or the question takes no cached answer
	Error  = "error"  // the tier failed, or its entry cannot be read
)

// Observer is told what the cache does.
type Observer interface {
	CacheLookup(tier, result string, took time.Duration)
	// Dropped is called for each entry that could not be written; sink is "cache".
	Dropped(sink string)
}

// Key identifies an answer within a tenant.
type Key string

// NewKey digests what makes two questions the same: the parts must hold the
// normalised question, its language and a fingerprint of everything that
// composes answers.
func NewKey(scope desk.Scope, parts ...string) Key {
	whole := make([]byte, 0, 512)
	for _, p := range parts {
		whole = append(append(whole, p...), 0)
	}
	sum := sha256.Sum256(whole)
	// The tenant is a hash tag, so that a tenant's keys share a Cluster slot.
	return Key("kefu:{" + string(scope.Tenant) + "}:answer:" + base64.RawURLEncoding.EncodeToString(sum[:]))
}

// Cache is safe for concurrent use.
type Cache struct {
	memory *otter.Cache[Key, *entry] // nil: off
	near   *near                     // nil: off
	remote *remote                   // nil: off
	obs    Observer
	renewal
	askings askings
}

// New returns a cache; client may be nil for memory alone.
func New(cfg Config, client *redis.Client, obs Observer) (*Cache, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Seals == nil {
		cfg.Seals = &seal.Ring{}
	}
	c := &Cache{obs: obs}
	var err error
	if c.renewal, err = newRenewal(cfg, client != nil); err != nil {
		return nil, err
	}
	if cfg.MemoryEntries > 0 {
		if cfg.Semantic {
			c.near = newNear(min(cfg.MemoryEntries, relatedMost))
		}
		c.memory, err = otter.New(&otter.Options[Key, *entry]{
			MaximumSize: cfg.MemoryEntries,
			// Done by the caller: its upkeep takes less time than starting a goroutine.
			Executor:         func(upkeep func()) { upkeep() },
			ExpiryCalculator: otter.ExpiryWritingFunc(func(otter.Entry[Key, *entry]) time.Duration { return lifetime(cfg.MemoryTTL, cfg.Jitter) }),
			// Called for a replaced answer too, whose question is then no longer proposed:
			// the new answer may be one that no other wording shares.
			OnAtomicDeletion: func(e otter.DeletionEvent[Key, *entry]) { c.gone(e.Key, e.Value) },
		})
		if err != nil {
			return nil, err
		}
	}
	if client != nil {
		remote, err := newRemote(cfg, client, obs)
		if err != nil {
			return nil, err
		}
		c.remote = remote
	}
	return c, nil
}

// entry is an answer in memory.
type entry struct {
	desk.Answer
	given   atomic.Int64 // how often it was given again since it was put here
	counted atomic.Int64 // how many of these Askings has returned
}

// gone is called for every entry that leaves memory or is replaced.
func (c *Cache) gone(key Key, e *entry) {
	if c.near != nil {
		c.near.drop(key)
	}
	c.askings.left(e)
}

// lifetime is a random life of up to ttl, so that entries written together do
// not expire together.
func lifetime(ttl time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(ttl) * (1 - jitter*rand.Float64()))
}

// Get finds an answer that valid accepts and the tier that had it; without one,
// tier is empty. It also admits the asker, in the same round trip to Redis where
// that is possible. The only error is admit's, when the asker is refused. The
// answer's slices are shared and must not be changed.
func (c *Cache) Get(ctx context.Context, key Key, valid func(desk.Answer) bool, admit desk.Admit) (a desk.Answer, tier string, err error) {
	if e, ok := c.recall(key, valid); ok || c.remote == nil {
		if _, err := admit.Enter(ctx, ""); err != nil || !ok {
			return desk.Answer{}, "", err
		}
		e.given.Add(1)
		return e.Answer, desk.TierMemory, nil
	}
	found, ok, err := c.fetch(ctx, key, valid, admit)
	if err != nil || !ok {
		return desk.Answer{}, "", err
	}
	return *found, desk.TierRedis, nil
}

// Peek looks once more in memory for what a Get has just missed. The Observer is
// not told.
func (c *Cache) Peek(key Key, valid func(desk.Answer) bool) (desk.Answer, bool) {
	if c.memory == nil {
		return desk.Answer{}, false
	}
	e, ok := c.memory.GetIfPresent(key)
	if !ok || !valid(e.Answer) {
		return desk.Answer{}, false
	}
	return e.Answer, true
}

// recall looks in memory.
func (c *Cache) recall(key Key, valid func(desk.Answer) bool) (*entry, bool) {
	if c.memory == nil {
		return nil, false
	}
	start := time.Now()
	e, ok := c.memory.GetIfPresent(key)
	ok = ok && valid(e.Answer)
	c.obs.CacheLookup(desk.TierMemory, result(ok), time.Since(start))
	return e, ok
}

// fetch looks in Redis, and remembers what it finds.
func (c *Cache) fetch(ctx context.Context, key Key, valid func(desk.Answer) bool, admit desk.Admit) (*desk.Answer, bool, error) {
	start := time.Now()
	a, outcome, err := c.remote.get(ctx, key, admit)
	if err != nil {
		return nil, false, err
	}
	if outcome == Hit && !valid(*a) {
		outcome = Miss
	}
	c.obs.CacheLookup(desk.TierRedis, outcome, time.Since(start))
	if outcome != Hit {
		return nil, false, nil
	}
	if c.memory != nil {
		e := &entry{Answer: *a}
		e.given.Store(1)
		c.memory.Set(key, e)
	}
	return a, true, nil
}

func result(hit bool) string {
	if hit {
		return Hit
	}
	return Miss
}

// Put stores an answer in both tiers. The Redis write is queued: it delays
// nobody, and is dropped and counted when the queue is full or Redis is down.
func (c *Cache) Put(key Key, a desk.Answer) {
	if c.memory != nil {
		c.memory.Set(key, &entry{Answer: a})
	}
	if c.remote != nil {
		c.remote.put(key, a)
	}
}

// Run writes to Redis and watches its health until ctx ends. It then takes two
// seconds at most to write what is queued. The cache must not be used after it
// has returned.
func (c *Cache) Run(ctx context.Context) error {
	defer c.claims.StopAllGoroutines()
	if c.memory != nil {
		defer c.memory.StopAllGoroutines()
	}
	if c.remote == nil {
		<-ctx.Done()
		return nil
	}
	c.remote.run(ctx)
	return nil
}

// Ping reports whether Redis answers; nil when there is none.
func (c *Cache) Ping(ctx context.Context) error {
	if c.remote == nil {
		return nil
	}
	return c.remote.ping(ctx)
}
