package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/seal"
)

// Completions keeps what models replied, in memory and in Redis, so that the
// same prompt need not be paid for again. It is safe for concurrent use.
type Completions struct {
	memory *otter.Cache[string, []byte]
	redis  *redis.Client // nil: none
	ttl    time.Duration
	limit  time.Duration
	seals  *seal.Ring
}

// completionEntries bounds the memory tier; a completion takes about 2 KB.
const completionEntries = 10_000

// NewCompletions keeps completions for ttl, in Redis encrypted where seals has a
// key. Each operation of client, which may be nil, takes at most limit; one that
// fails is a miss.
func NewCompletions(client *redis.Client, ttl, limit time.Duration, seals *seal.Ring) (*Completions, error) {
	memory, err := otter.New(&otter.Options[string, []byte]{
		MaximumSize: completionEntries, ExpiryCalculator: otter.ExpiryWriting[string, []byte](ttl),
	})
	if err != nil {
		return nil, fmt.Errorf("completions: %w", err)
	}
	return &Completions{memory: memory, redis: client, ttl: ttl, limit: limit, seals: seals}, nil
}

// Completion finds what a tenant's prompt, given by its digest, was answered
// with.
func (c *Completions) Completion(ctx context.Context, tenant desk.TenantID, digest string) ([]byte, bool) {
	key := completionKey(tenant, digest)
	if found, ok := c.memory.GetIfPresent(key); ok {
		return found, true
	}
	if c.redis == nil {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	found, err := c.redis.Get(ctx, key).Bytes()
	if err == nil {
		found, err = c.seals.OpenBytes(found, key)
	}
	if err != nil {
		return nil, false
	}
	c.memory.Set(key, found)
	return found, true
}

// KeepCompletion keeps a completion, which must not be changed afterwards.
func (c *Completions) KeepCompletion(ctx context.Context, tenant desk.TenantID, digest string, completion []byte) {
	key := completionKey(tenant, digest)
	c.memory.Set(key, completion)
	if c.redis == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	_ = c.redis.Set(ctx, key, c.seals.SealBytes(completion, key), c.ttl).Err() // then only this process remembers
}

func completionKey(tenant desk.TenantID, digest string) string {
	return "kefu:{" + string(tenant) + "}:completion:" + digest
}
