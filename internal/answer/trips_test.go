package answer_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/answer"
	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/limit"
	"kefu/internal/testenv"
)

// trips remembers the commands of each round trip to Redis, but for writes,
// probes and what opens a connection for them, which nobody waits for.
type trips struct {
	mu  sync.Mutex
	all []string
}

func (*trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (r *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		r.add(cmd)
		return next(ctx, cmd)
	}
}

func (r *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		r.add(cmds...)
		return next(ctx, cmds)
	}
}

func (r *trips) add(cmds ...redis.Cmder) {
	var names []string
	for _, cmd := range cmds {
		names = append(names, cmd.Name())
	}
	if slices.ContainsFunc(names, func(name string) bool { return slices.Contains([]string{"set", "ping", "hello", "client"}, name) }) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, strings.Join(names, " "))
}

// take returns the round trips since it was last called.
func (r *trips) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.all
	r.all = nil
	return all
}

// replica is a shop whose cache and limits are in Redis.
type replica struct {
	*shop
	limiter *limit.Limiter
	trips   *trips
}

func openReplica(t *testing.T, url string, perMinute int) *replica {
	t.Helper()
	r := &replica{trips: &trips{}}
	client, err := cache.Dial(url, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	client.AddHook(r.trips)
	t.Cleanup(func() { client.Close() })
	quiet := slog.New(slog.DiscardHandler)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	r.limiter = limit.New(limit.Config{Key: limit.Rates{Requests: perMinute}, Timeout: 5 * time.Second}, client, quiet)
	running.Go(func() { _ = r.limiter.Run(ctx) })
	r.shop = open(t, complex, func(_ *answer.Config, p *answer.Parts) {
		p.Cache, err = cache.New(cache.Config{MemoryEntries: 100, MemoryTTL: time.Hour, RedisTTL: time.Hour, Timeout: 5 * time.Second, Logger: quiet}, client, silent{&journal{}})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = p.Cache.Run(ctx) })
	})
	return r
}

// try asks as the HTTP edge does.
func (r *replica) try(question string) (desk.Answer, error) {
	scope := desk.Scope{Tenant: tenant, Key: "key_1", User: desk.Anonymous}
	ask := desk.Ask{Scope: scope, Text: question}
	ask.Admit = func(ctx context.Context, key string) (desk.Along, error) {
		v := r.limiter.Enter(ctx, limit.Caller{Scope: scope}, key)
		if v.Refused != "" {
			return desk.Along{}, &desk.Error{Kind: desk.RateLimited, Code: "rate_limited"}
		}
		v.Leave(0)
		return v.Along, nil
	}
	return r.Answer(r.t.Context(), ask, desk.Discard)
}

func TestLimitAndCacheCostOneRoundTrip(t *testing.T) {
	const question = "How many days do I have to return an item?"
	url := testenv.OwnRedis(t).URL()
	one, two := openReplica(t, url, 6), openReplica(t, url, 6)
	if _, err := one.try("warm up"); err != nil { // loads the script
		t.Fatal(err)
	}
	if _, err := two.try("warm up, too"); err != nil {
		t.Fatal(err)
	}
	one.trips.take()
	two.trips.take()

	want := func(what string, r *replica, tier, trip string) {
		t.Helper()
		a, err := r.try(question)
		if err != nil || a.CacheTier != tier {
			t.Errorf("%s: tier %q, %v, want %q", what, a.CacheTier, err, tier)
		}
		if got := r.trips.take(); !slices.Equal(got, []string{trip}) {
			t.Errorf("%s: round trips %q, want %q alone", what, got, trip)
		}
	}
	want("a miss", one, "", "evalsha get")
	want("a hit in memory", one, desk.TierMemory, "evalsha")
	kept, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(kept)
	defer client.Close()
	for deadline := time.Now().Add(10 * time.Second); len(client.Keys(t.Context(), "*:answer:*").Val()) < 1; {
		if time.Now().After(deadline) {
			t.Fatal("the answer was not written to Redis")
		}
		time.Sleep(10 * time.Millisecond)
	}
	want("a hit in Redis", two, desk.TierRedis, "evalsha get")
	asked := two.model.count()
	if a, err := two.try("What does standard shipping cost?"); err != nil {
		t.Errorf("the sixth within a minute: %+v %v", a, err)
	}
	two.trips.take()
	var refused *desk.Error
	if _, err := two.try("How long does shipping take?"); !errors.As(err, &refused) || refused.Kind != desk.RateLimited {
		t.Errorf("beyond the limit: %v, want to be refused", err)
	}
	if got := two.trips.take(); !slices.Equal(got, []string{"evalsha get"}) || two.model.count() != asked+1 {
		t.Errorf("beyond the limit: round trips %q, and %d calls", got, two.model.count()-asked)
	}
}

func TestWhereRedisIsAwayItIsAskedOnce(t *testing.T) {
	server := testenv.OwnRedis(t)
	r := openReplica(t, server.URL(), 2)
	if _, err := r.try("How many days do I have to return an item?"); err != nil {
		t.Fatal(err)
	}
	r.trips.take()
	server.Stop()
	if a, err := r.try("What does standard shipping cost?"); err != nil || a.CacheTier != "" {
		t.Errorf("tier %q, %v, want an answer all the same", a.CacheTier, err)
	}
	if got := r.trips.take(); !slices.Equal(got, []string{"evalsha get"}) {
		t.Errorf("round trips %q, want one that failed", got)
	}
	var refused *desk.Error
	if _, err := r.try("How long does shipping take?"); !errors.As(err, &refused) || refused.Kind != desk.RateLimited {
		t.Errorf("the third within a minute: %v, want to be refused by what this replica knows", err)
	}
}

func TestNothingIsReadForOneWhoIsRefused(t *testing.T) {
	read := false
	s := open(t, complex, func(c *answer.Config, p *answer.Parts) {
		c.Turns, p.Turns = 3, noTurns{&read}
	})
	no := &desk.Error{Kind: desk.RateLimited, Code: "rate_limited"}
	for name, ask := range map[string]desk.Ask{
		"a question":              {Text: "What does standard shipping cost?"},
		"one with personal data":  {Text: "My mail is ann@example.com, where is my parcel?"},
		"one of a conversation":   {Text: "And in Canada?", Conversation: "c1"},
		"one that leans on words": {Text: "And in Canada?", Earlier: []desk.Exchange{{Question: "What does shipping cost?", Answer: "$4.90"}}},
	} {
		asked := 0
		ask.Scope = desk.Scope{Tenant: tenant, User: desk.Anonymous}
		ask.Admit = func(context.Context, string) (desk.Along, error) { asked++; return desk.Along{}, no }
		if _, err := s.Answer(t.Context(), ask, desk.Discard); !errors.Is(err, no) || asked != 1 {
			t.Errorf("%s: %v, asked %d times; want to be refused, and once", name, err, asked)
		}
	}
	if read || s.model.count() > 0 || len(s.journal.outcomes) > 0 {
		t.Errorf("conversation read %t, %d calls, outcomes %v; want nothing", read, s.model.count(), s.journal.outcomes)
	}
}

// noTurns are conversations that nobody should read.
type noTurns struct{ read *bool }

func (n noTurns) Recent(context.Context, desk.Scope, desk.ConversationID, int) ([]desk.Turn, error) {
	*n.read = true
	return nil, nil
}

func (n noTurns) Append(context.Context, desk.Scope, desk.ConversationID, desk.Turn) error {
	*n.read = true
	return nil
}
