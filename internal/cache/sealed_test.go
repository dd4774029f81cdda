package cache_test

import (
	"strings"
	"testing"
	"time"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/seal"
	"kefu/internal/testenv"
)

// sealed is the configuration with keys by their numbers, that which seals
// first.
func sealed(t testing.TB, keys ...string) cache.Config {
	t.Helper()
	var text strings.Builder
	for _, k := range keys {
		text.WriteString(strings.Repeat(k, seal.KeyBytes) + "\n")
	}
	ring, err := seal.Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	c := config
	c.Seals = ring
	return c
}

// An entry that does not open is a miss and no fault, whether its key is gone,
// it stands in another's place, or is from before there were keys.
func TestAnswersInRedisAreEncryptedWhereThereIsAKey(t *testing.T) {
	url := testenv.Redis(t)
	client, err := cache.Dial(url, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	raw := func(k cache.Key) (value string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); value == ""; time.Sleep(5 * time.Millisecond) {
			if value = client.Get(t.Context(), string(k)).Val(); time.Now().After(deadline) {
				t.Fatalf("%s never reached Redis", k)
			}
		}
		return value
	}
	secret := desk.Answer{Text: "The heirloom teapot", Citations: []desk.Citation{{Quote: "an heirloom"}}}
	plain, _ := open(t, config, url)
	plain.Put(key("plain"), secret)
	before := raw(key("plain"))
	old, _ := open(t, sealed(t, "a1"), url)
	old.Put(key("old"), secret)
	if value := raw(key("old")); strings.Contains(value, "heirloom") || !strings.Contains(before, "heirloom") {
		t.Errorf("in Redis stands %q, before %q", value, before)
	}
	if err := client.Set(t.Context(), string(key("moved")), raw(key("old")), time.Hour).Err(); err != nil {
		t.Fatal(err)
	}

	for _, tt := range []struct {
		name string
		cfg  cache.Config
		hits string
	}{
		{"the same key", sealed(t, "a1"), "old"},
		{"a new key and the old one", sealed(t, "b2", "a1"), "old"},
		{"another key", sealed(t, "b2"), ""},
		{"no key", config, "plain"},
	} {
		c, obs := open(t, tt.cfg, url)
		for _, k := range []string{"old", "plain", "moved"} {
			a, tier, err := c.Get(t.Context(), key(k), always, nil)
			if hit := tier == desk.TierRedis && a.Text == secret.Text; err != nil || hit != (k == tt.hits) {
				t.Errorf("with %s, %q: %q from %q, %v", tt.name, k, a.Text, tier, err)
			}
		}
		if n := obs.get("redis error"); n != 0 {
			t.Errorf("with %s: %d errors, want misses", tt.name, n)
		}
	}
}

func TestCompletionsInRedisAreEncryptedWhereThereIsAKey(t *testing.T) {
	client, err := cache.Dial(testenv.Redis(t), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	with := func(keys ...string) *cache.Completions {
		c, err := cache.NewCompletions(client, time.Hour, 5*time.Second, sealed(t, keys...).Seals)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	with("a1").KeepCompletion(t.Context(), "t", "digest", []byte("heirloom"))
	for _, k := range client.Keys(t.Context(), "kefu:{t}:*").Val() {
		if value := client.Get(t.Context(), k).Val(); value == "" || strings.Contains(value, "heirloom") {
			t.Errorf("in Redis stands %q", value)
		}
	}
	if got, ok := with("b2", "a1").Completion(t.Context(), "t", "digest"); !ok || string(got) != "heirloom" {
		t.Errorf("completion = %q, %v", got, ok)
	}
	if got, ok := with("b2").Completion(t.Context(), "t", "digest"); ok {
		t.Errorf("completion = %q without its key", got)
	}
}

// BenchmarkRedisHit is a hit in Redis, plain and encrypted.
func BenchmarkRedisHit(b *testing.B) {
	for name, cfg := range map[string]cache.Config{"plain": config, "encrypted": sealed(b, "a1")} {
		b.Run(name, func(b *testing.B) {
			cfg.MemoryEntries = 0
			c, _ := open(b, cfg, testenv.Redis(b))
			c.Put(key("q"), answer)
			for {
				if _, tier, _ := c.Get(b.Context(), key("q"), always, nil); tier != "" {
					break
				}
			}
			for b.Loop() {
				_, _, _ = c.Get(b.Context(), key("q"), always, nil)
			}
		})
	}
}
