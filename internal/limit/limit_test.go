package limit_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/limit"
	"kefu/internal/testenv"
)

var quiet = slog.New(slog.DiscardHandler)

func caller(key desk.KeyID) limit.Caller {
	return limit.Caller{Scope: desk.Scope{Tenant: desk.DefaultTenant, Key: key, User: desk.Anonymous}, Address: "10.0.0.1"}
}

func TestVisitorsOfAWebsiteShareItsKeyAndNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, limit.New(limit.Config{Key: limit.Rates{Requests: 3}, Visitor: limit.Rates{Requests: 5}}, nil, quiet))
		one, other := caller("website"), caller("website")
		one.Website, other.Website, other.Address = true, true, "10.0.0.2"
		if a, b := allowed(t, l, one, 10), allowed(t, l, other, 10); a != 5 || b != 5 {
			t.Errorf("let in %d and %d, want 5 of each address", a, b)
		}
	})
}

// running runs l until the test ends.
func running(t *testing.T, l *limit.Limiter) *limit.Limiter {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return l
}

// allowed counts how many of n requests are let in.
func allowed(t *testing.T, l *limit.Limiter, c limit.Caller, n int) (in int) {
	for range n {
		if v := l.Enter(t.Context(), c, ""); v.Refused == "" {
			in++
			v.Leave(0)
		}
	}
	return in
}

func TestACallerGetsTheirRateAndNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, limit.New(limit.Config{Key: limit.Rates{Requests: 60}}, nil, quiet))
		if n := allowed(t, l, caller("a"), 100); n != 60 {
			t.Errorf("first burst = %d, want 60", n)
		}
		v := l.Enter(t.Context(), caller("a"), "")
		if v.Refused != limit.Requests || v.Wait <= 0 || v.Wait > time.Second || v.Limit != 60 || v.Remaining != 0 || v.Reset != time.Minute {
			t.Errorf("verdict = %+v, want a wait of up to 1 s", v)
		}
		if n := allowed(t, l, caller("b"), 1); n != 1 {
			t.Error("another caller was refused")
		}
		time.Sleep(10 * time.Second)
		if n := allowed(t, l, caller("a"), 100); n != 10 {
			t.Errorf("after ten seconds = %d, want 10", n)
		}
	})
}

func TestAnAnswersTokensArePaidAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, limit.New(limit.Config{Key: limit.Rates{Tokens: 600}}, nil, quiet))
		v := l.Enter(t.Context(), caller("a"), "")
		v.Leave(900)
		v = l.Enter(t.Context(), caller("a"), "")
		if v.Refused != limit.Tokens || v.Wait < 30*time.Second || v.Wait > 31*time.Second {
			t.Errorf("verdict = %+v, want to wait until the 300 tokens too many are paid", v)
		}
		time.Sleep(v.Wait)
		if n := allowed(t, l, caller("a"), 1); n != 1 {
			t.Error("refused after the wait")
		}
	})
}

func TestOnlySoManyRequestsAreUnderWayAtATime(t *testing.T) {
	l := running(t, limit.New(limit.Config{Key: limit.Rates{Concurrent: 2}}, nil, quiet))
	first, second := l.Enter(t.Context(), caller("a"), ""), l.Enter(t.Context(), caller("a"), "")
	if v := l.Enter(t.Context(), caller("a"), ""); v.Refused != limit.Concurrent {
		t.Errorf("third = %+v, want refused", v)
	}
	first.Leave(0)
	third := l.Enter(t.Context(), caller("a"), "")
	if third.Refused != "" {
		t.Errorf("after one has left = %+v", third)
	}
	second.Leave(0)
	third.Leave(0)
}

func TestAVerdictSaysWhoseLimitItIs(t *testing.T) {
	few := map[string]limit.Rates{
		limit.Requests: {Requests: 1}, limit.Tokens: {Tokens: 1}, limit.Concurrent: {Concurrent: 1},
	}
	key, user, address, visitor := caller("a"), caller("a"), caller(""), caller("website")
	user.Scope.User, visitor.Website = "alice", true
	client := dial(t, testenv.Redis(t))
	for why, rates := range few {
		for _, tt := range []struct {
			whose string
			cfg   limit.Config
			of    limit.Caller
		}{
			{limit.OfKey, limit.Config{Key: rates}, key},
			{limit.OfUser, limit.Config{Key: limit.Rates{Requests: 9, Tokens: 9, Concurrent: 9}, User: rates}, user},
			{limit.OfAddress, limit.Config{Address: rates}, address},
			{limit.OfVisitor, limit.Config{Visitor: rates}, visitor},
		} {
			for name, redis := range map[string]*redis.Client{"alone": nil, "with Redis": client} {
				one := running(t, limit.New(tt.cfg, redis, quiet))
				tt.of.Scope.Tenant = desk.TenantID(why + tt.whose) // new to Redis
				other := one
				if why == limit.Concurrent && redis != nil {
					other = running(t, limit.New(tt.cfg, redis, quiet)) // only Redis knows what is under way
				}
				first := one.Enter(t.Context(), tt.of, "")
				if why != limit.Concurrent {
					first.Leave(2)
				}
				v := other.Enter(t.Context(), tt.of, "")
				for why == limit.Tokens && v.Refused == "" { // Redis is told of them a moment later
					v = other.Enter(t.Context(), tt.of, "")
				}
				if v.Refused != why || v.Scope != tt.whose {
					t.Errorf("%s of a %s, %s: refused %q by that of a %q", why, tt.whose, name, v.Refused, v.Scope)
				}
			}
		}
	}
}

func TestKeysUsersAndAddressesHaveRatesOfTheirOwn(t *testing.T) {
	l := running(t, limit.New(limit.Config{
		Key: limit.Rates{Requests: 5}, User: limit.Rates{Requests: 2}, Address: limit.Rates{Requests: 3},
	}, nil, quiet))
	user := caller("a")
	user.Scope.User = "alice"
	if n := allowed(t, l, user, 10); n != 2 {
		t.Errorf("a user = %d, want 2", n)
	}
	if n := allowed(t, l, caller("a"), 10); n != 3 {
		t.Errorf("the rest of the key = %d, want the 3 that alice left", n)
	}
	if n := allowed(t, l, caller(""), 10); n != 3 {
		t.Errorf("an address = %d, want 3", n)
	}
	other := caller("a")
	other.Scope.Tenant = "acme"
	if n := allowed(t, l, other, 10); n != 5 {
		t.Errorf("another tenant = %d, want 5", n)
	}
}

func dial(t *testing.T, url string) *redis.Client {
	t.Helper()
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opt.MaxRetries, opt.DialerRetries, opt.DialTimeout = -1, 1, 5*time.Second
	c := redis.NewClient(opt)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestReplicasShareOneRate(t *testing.T) {
	url := testenv.OwnRedis(t).URL()
	cfg := limit.Config{Key: limit.Rates{Requests: 50, Tokens: 1000}, Timeout: 5 * time.Second}
	var in atomic.Int64
	var callers sync.WaitGroup
	for range 3 {
		l := running(t, limit.New(cfg, dial(t, url), quiet))
		for range 40 {
			callers.Go(func() {
				v := l.Enter(t.Context(), caller("a"), "")
				if v.Refused == "" {
					in.Add(1)
					v.Leave(0)
				}
			})
		}
	}
	callers.Wait()
	if n := in.Load(); n < 50 || n > 52 { // a slow machine may earn a request or two meanwhile
		t.Errorf("let in = %d, want 50", n)
	}
	for _, k := range dial(t, url).Keys(t.Context(), "*").Val() {
		if !strings.HasPrefix(k, "kefu:{default}:limit:") {
			t.Errorf("key %s, want the tenant as its hash tag", k)
		}
	}
}

func TestTokensAreChargedInEveryReplica(t *testing.T) {
	url := testenv.OwnRedis(t).URL()
	cfg := limit.Config{Key: limit.Rates{Tokens: 100}, Timeout: 5 * time.Second}
	one, two := running(t, limit.New(cfg, dial(t, url), quiet)), running(t, limit.New(cfg, dial(t, url), quiet))
	v := one.Enter(t.Context(), caller("a"), "")
	v.Leave(500)
	deadline := time.Now().Add(10 * time.Second)
	for two.Enter(t.Context(), caller("a"), "").Refused != limit.Tokens {
		if time.Now().After(deadline) {
			t.Fatal("the other replica never heard of the tokens")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// What was asked while Redis answered counts when it does not any more.
func TestWithoutRedisEachReplicaGoesOnWithWhatItKnows(t *testing.T) {
	server := testenv.OwnRedis(t)
	l := running(t, limit.New(limit.Config{Key: limit.Rates{Requests: 20}, Timeout: time.Second}, dial(t, server.URL()), quiet))
	if n := allowed(t, l, caller("a"), 15); n != 15 {
		t.Fatalf("with Redis = %d, want 15", n)
	}
	server.Stop()
	if n := allowed(t, l, caller("a"), 100); n < 5 || n > 7 {
		t.Errorf("after Redis died = %d, want the 5 that were left", n)
	}
}

func BenchmarkEnter(b *testing.B) {
	l := limit.New(limit.Config{Key: limit.Rates{Requests: 1_000_000_000}}, nil, quiet)
	c := caller("key_06H1IMCM59OPOEJ0RH83C08M0G")
	for b.Loop() {
		v := l.Enter(b.Context(), c, "")
		v.Leave(0)
	}
}
