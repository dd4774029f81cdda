package cache_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(k string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[k]++
}

func (c *counts) get(k string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[k]
}

func (c *counts) CacheLookup(tier, result string, _ time.Duration) { c.add(tier + " " + result) }
func (c *counts) Dropped(sink string)                              { c.add("dropped " + sink) }

var config = cache.Config{MemoryEntries: 100, MemoryTTL: time.Hour, RedisTTL: time.Hour, Jitter: 0.1, Timeout: 5 * time.Second}

// open returns a running cache over the Redis at url ("" for none).
func open(t testing.TB, cfg cache.Config, url string) (*cache.Cache, *counts) {
	t.Helper()
	obs := &counts{}
	if url == "" {
		c, err := cache.New(cfg, nil, obs)
		if err != nil {
			t.Fatal(err)
		}
		return c, obs
	}
	client, err := cache.Dial(url, cfg.Timeout)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(cfg, client, obs)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; client.Close() })
	return c, obs
}

func always(desk.Answer) bool { return true }

func key(parts ...string) cache.Key { return cache.NewKey(desk.Scope{Tenant: "t1"}, parts...) }

var answer = desk.Answer{
	ID: "ans_1", Text: "30 days [1].", Lang: desk.English, Grounded: true, Outcome: desk.Answered,
	Citations: []desk.Citation{{Index: 1, Document: "returns", Quote: "30 days"}},
	Basis:     desk.Basis{Revision: 3, Sources: []desk.BasisSource{{Document: "returns", Chunk: "returns#0", Hash: "aa"}}},
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within 5 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestKeysDifferByTenantAndPart(t *testing.T) {
	a := cache.NewKey(desk.Scope{Tenant: "t1"}, "ab", "c")
	for name, b := range map[string]cache.Key{
		"tenant":            cache.NewKey(desk.Scope{Tenant: "t2"}, "ab", "c"),
		"where a part ends": cache.NewKey(desk.Scope{Tenant: "t1"}, "a", "bc"),
		"a part":            cache.NewKey(desk.Scope{Tenant: "t1"}, "ab", "d"),
	} {
		if a == b {
			t.Errorf("keys do not depend on %s", name)
		}
	}
	if u := cache.NewKey(desk.Scope{Tenant: "t1", User: "someone"}, "ab", "c"); u != a {
		t.Error("users of one tenant do not share answers")
	}
}

func TestMemoryAnswersOnlyWhatIsValid(t *testing.T) {
	c, _ := open(t, config, "")
	c.Put(key("q"), answer)
	if _, tier, _ := c.Get(t.Context(), key("q"), always, nil); tier != desk.TierMemory {
		t.Errorf("tier = %q, want memory", tier)
	}
	if _, tier, _ := c.Get(t.Context(), key("q"), func(desk.Answer) bool { return false }, nil); tier != "" {
		t.Error("an entry that no longer holds was served")
	}
	if _, tier, _ := c.Get(t.Context(), key("other"), always, nil); tier != "" {
		t.Error("a question never asked was answered")
	}
}

func TestRedisServesOtherReplicas(t *testing.T) {
	url := testenv.Redis(t)
	one, _ := open(t, config, url)
	two, obs := open(t, config, url)
	k := key(t.Name())
	one.Put(k, answer)
	eventually(t, "the second replica finds the answer in Redis", func() bool {
		a, tier, _ := two.Get(t.Context(), k, always, nil)
		return tier == desk.TierRedis && a.Citations[0].Quote == "30 days" && a.Basis.Revision == 3
	})
	if _, tier, _ := two.Get(t.Context(), k, always, nil); tier != desk.TierMemory {
		t.Errorf("tier of the second hit = %q, want memory", tier)
	}
	if obs.get("redis hit") != 1 {
		t.Errorf("redis hits = %d, want 1", obs.get("redis hit"))
	}
}

func TestADeadRedisCostsOneTimeoutAndComesBack(t *testing.T) {
	for _, fault := range []struct {
		name       string
		down, back func(*testenv.Server)
	}{
		{"killed", (*testenv.Server).Stop, (*testenv.Server).Start},
		{"hanging", (*testenv.Server).Pause, (*testenv.Server).Resume},
	} {
		t.Run(fault.name, func(t *testing.T) {
			server := testenv.OwnRedis(t)
			cfg := config
			cfg.MemoryEntries, cfg.Timeout = 0, 500*time.Millisecond
			c, obs := open(t, cfg, server.URL())
			k := key(t.Name())
			c.Put(k, answer)
			eventually(t, "a hit", func() bool { _, tier, _ := c.Get(t.Context(), k, always, nil); return tier != "" })

			fault.down(server)
			if _, tier, _ := c.Get(t.Context(), k, always, nil); tier != "" {
				t.Fatal("a dead Redis answered")
			}
			for range 1000 {
				c.Get(t.Context(), k, always, nil)
			}
			if n := obs.get("redis error"); n != 1 {
				t.Errorf("lookups that waited for the dead Redis = %d, want 1", n)
			}
			if obs.get("redis bypass") < 1000 {
				t.Errorf("bypasses = %d, want 1000", obs.get("redis bypass"))
			}
			fault.back(server)
			eventually(t, "Redis is used again", func() bool {
				c.Put(k, answer)
				_, tier, _ := c.Get(t.Context(), k, always, nil)
				return tier != ""
			})
		})
	}
}

func TestACallerWhoLeavesDoesNotTakeRedisDown(t *testing.T) {
	c, obs := open(t, config, testenv.Redis(t))
	gone, leave := context.WithCancel(t.Context())
	leave()
	c.Get(gone, key("left"), always, nil)
	c.Get(t.Context(), key("stays"), always, nil)
	if obs.get("redis bypass") != 0 {
		t.Error("a cancelled lookup opened the breaker")
	}
}

func TestGarbageInRedisIsAMiss(t *testing.T) {
	url := testenv.Redis(t)
	c, obs := open(t, config, url)
	client, err := cache.Dial(url, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Set(t.Context(), string(key("junk")), "\xff not cbor", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if _, tier, _ := c.Get(t.Context(), key("junk"), always, nil); tier != "" || obs.get("redis error") != 1 {
		t.Errorf("tier = %q, errors = %d", tier, obs.get("redis error"))
	}
}

func TestQueuedWritesSurviveShutdown(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	client, err := cache.Dial(testenv.Redis(t), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := cache.New(config, client, &counts{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		c.Put(key(t.Name(), fmt.Sprint(i)), answer)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_ = c.Run(ctx)
	for i := range 500 {
		if n := client.Exists(t.Context(), string(key(t.Name(), fmt.Sprint(i)))).Val(); n != 1 {
			t.Fatalf("write %d was lost", i)
		}
	}
}

func BenchmarkMemoryHit(b *testing.B) {
	c, err := cache.New(config, nil, &counts{})
	if err != nil {
		b.Fatal(err)
	}
	c.Put(key("q"), answer)
	for b.Loop() {
		c.Get(context.Background(), key("q"), always, nil)
	}
}

func TestASecondLookIsNotCounted(t *testing.T) {
	c, obs := open(t, config, "")
	c.Put("k", desk.Answer{Text: "30 days"})
	if a, ok := c.Peek("k", always); !ok || a.Text != "30 days" {
		t.Errorf("peek = %+v, %v", a, ok)
	}
	if _, ok := c.Peek("k", func(desk.Answer) bool { return false }); ok {
		t.Error("an answer that does not hold was found")
	}
	if _, ok := c.Peek("other", always); ok {
		t.Error("an answer was found that nobody put there")
	}
	if len(obs.n) != 0 {
		t.Errorf("counted: %v", obs.n)
	}
}
