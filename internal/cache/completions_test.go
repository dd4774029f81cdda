package cache_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/seal"
	"kefu/internal/testenv"
)

func TestCompletionsAreKeptInBothTiersAndByTenant(t *testing.T) {
	server := testenv.OwnRedis(t)
	options, err := redis.ParseURL(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	open := func(client *redis.Client) *cache.Completions {
		c, err := cache.NewCompletions(client, time.Hour, time.Second, &seal.Ring{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	found := func(c *cache.Completions, tenant, digest string) string {
		text, _ := c.Completion(t.Context(), desk.TenantID(tenant), digest)
		return string(text)
	}

	first, alone := open(client), open(nil)
	for _, c := range []*cache.Completions{first, alone} {
		c.KeepCompletion(t.Context(), "a", "digest", []byte("hello"))
		if got := found(c, "a", "digest"); got != "hello" {
			t.Errorf("completion = %q", got)
		}
		if got := found(c, "b", "digest") + found(c, "a", "other"); got != "" {
			t.Errorf("another tenant or prompt found %q", got)
		}
	}
	if got := found(open(client), "a", "digest"); got != "hello" {
		t.Errorf("another process found %q in Redis", got)
	}
	if got := found(open(nil), "a", "digest"); got != "" {
		t.Errorf("without Redis another process found %q", got)
	}

	server.Stop()
	first.KeepCompletion(t.Context(), "a", "later", []byte("kept"))
	if got := found(first, "a", "later"); got != "kept" {
		t.Errorf("completion without Redis = %q", got)
	}
	if got := found(first, "a", "nowhere"); got != "" {
		t.Errorf("completion = %q", got)
	}
}
