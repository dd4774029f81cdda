// Package cache keeps composed answers in two tiers: memory in front of
// Redis. Of those in memory, it also finds the answers to questions that are
// nearly the one asked. It stores and finds; whether an entry is still true is
// decided by the caller at every read. Redis is an accelerator, never a
// dependency: when it fails, lookups miss at no cost until it is back.
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

// Config bounds both tiers. All answers are shared by a tenant's users.
type Config struct {
	MemoryEntries int           // 0 turns the memory tier off; default 10,000
	MemoryTTL     time.Duration // default 1 h
	Semantic      bool          // whether Near proposes answers that are in memory
	RedisTTL      time.Duration // default 168 h
	Jitter        float64       // share by which both lives vary, in [0,1); default 0.1
	// Refresh is the share of its life at whose end an answer is Due, in [0,1);
	// 0: never.
	Refresh float64
	// Timeout bounds each Redis operation on the path of a question; default
	// 40 ms.
	Timeout time.Duration
	// Seals encrypts what stands in Redis, where it has a key. An entry that does
	// not open, for whatever reason, is a miss.
	Seals *seal.Ring
	// Logger is told when Redis is lost and when it is back; default
	// slog.Default().
	Logger *slog.Logger
}

// Results of a lookup, a closed set for metrics.
const (
	Hit    = "hit"
	Miss   = "miss"
	Bypass = "bypass" // the tier is down
	Error  = "error"
)

// Observer is told what the cache does.
type Observer interface {
	CacheLookup(tier, result string, took time.Duration)
	// Dropped counts entries that did not reach a tier.
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
	askings
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
			// Its upkeep takes less than the goroutine that it would start for it.
			Executor:         func(upkeep func()) { upkeep() },
			ExpiryCalculator: otter.ExpiryWritingFunc(func(otter.Entry[Key, *entry]) time.Duration { return lifetime(cfg.MemoryTTL, cfg.Jitter) }),
			// A replaced answer too: the new one may be one that nobody shares.
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

// entry is an answer in memory with how often it was given from there.
type entry struct {
	desk.Answer
	given   atomic.Int64
	counted atomic.Int64 // of these, in Askings
}

// gone is told of an entry that leaves memory or is replaced.
func (c *Cache) gone(key Key, e *entry) {
	if c.near != nil {
		c.near.drop(key)
	}
	c.left(e)
}

// lifetime spreads expiry, so that entries written together do not end
// together.
func lifetime(ttl time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(ttl) * (1 - jitter*rand.Float64()))
}

// Get finds an answer that valid accepts and names its tier, which is empty
// where there is none. Whoever asks is admitted on the way, in the round trip to
// Redis where that is needed: the error says why not. The answer's slices are
// shared: they must not be changed.
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

// Peek finds an answer in memory that valid accepts, and tells no observer: it
// is a second look at what a Get has just missed.
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

// Run writes to Redis and watches its health until ctx ends; it then writes
// what is queued, bounded by a second or two. The cache must not be used after.
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
