package limit_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/limit"
	"kefu/internal/testenv"
)

// childEnv tells this test binary to be a replica on a Redis: three requests
// enter and stay, until it is killed.
const childEnv = "KEFU_LIMIT_TEST_CHILD"

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		child(url)
	}
	testenv.Main(m)
}

func child(url string) {
	opt, err := redis.ParseURL(url)
	if err != nil {
		panic(err)
	}
	l := limit.New(atATime(3, time.Second), redis.NewClient(opt), quiet)
	go l.Run(context.Background()) // dies with the process
	for range 3 {
		fmt.Println(l.Enter(context.Background(), caller("a"), "").Refused)
	}
	select {}
}

func atATime(n int, lease time.Duration) limit.Config {
	return limit.Config{Key: limit.Rates{Concurrent: n}, Timeout: 5 * time.Second, Lease: lease}
}

// soon polls until a request is let in.
func soon(t *testing.T, l *limit.Limiter, what string) limit.Verdict {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if v := l.Enter(t.Context(), caller("a"), ""); v.Refused == "" {
			return v
		}
	}
	t.Fatalf("nobody is let in %s", what)
	return limit.Verdict{}
}

func TestReplicasShareThePlacesOfRequestsUnderWay(t *testing.T) {
	url := testenv.OwnRedis(t).URL()
	one := running(t, limit.New(atATime(3, time.Minute), dial(t, url), quiet))
	two := running(t, limit.New(atATime(3, time.Minute), dial(t, url), quiet))
	var under []limit.Verdict
	for _, l := range []*limit.Limiter{one, two, one} {
		v := l.Enter(t.Context(), caller("a"), "")
		if v.Refused != "" {
			t.Fatalf("verdict = %+v, want let in", v)
		}
		under = append(under, v)
	}
	for _, l := range []*limit.Limiter{one, two} {
		if v := l.Enter(t.Context(), caller("a"), ""); v.Refused != limit.Concurrent || v.Wait <= 0 {
			t.Errorf("a fourth at a time = %+v, want refused", v)
		}
	}
	if v := two.Enter(t.Context(), caller("b"), ""); v.Refused != "" {
		t.Errorf("another key = %+v, want let in", v)
	}
	under[0].Leave(0)
	v := soon(t, two, "where one has left the other replica")
	if v := one.Enter(t.Context(), caller("a"), ""); v.Refused != limit.Concurrent {
		t.Errorf("the place was given away twice: %+v", v)
	}
	v.Leave(0)
	under[1].Leave(0)
	under[2].Leave(0)
}

func TestManyReplicasNeverLetMoreInAtATime(t *testing.T) {
	url := testenv.OwnRedis(t).URL()
	const most = 4
	var mu sync.Mutex
	var inside, peak, served int
	count := func(by int) {
		mu.Lock()
		defer mu.Unlock()
		if inside += by; by > 0 {
			peak, served = max(peak, inside), served+1
		}
	}
	var callers sync.WaitGroup
	for range 3 {
		l := running(t, limit.New(atATime(most, time.Minute), dial(t, url), quiet))
		for range 6 {
			callers.Go(func() {
				for range 100 {
					if v := l.Enter(t.Context(), caller("a"), ""); v.Refused == "" {
						count(1)
						count(-1)
						v.Leave(0)
					}
				}
			})
		}
	}
	callers.Wait()
	if peak > most || served == 0 {
		t.Errorf("at most %d of %d at a time, want up to %d", peak, served, most)
	}
	client := dial(t, url)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left := client.HVals(t.Context(), "kefu:{default}:limit:key:a:c").Val()
		if !slices.ContainsFunc(left, func(said string) bool { return said[0] != '0' }) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("requests under way = %q after all have left", left)
		}
	}
}

func TestALongRequestKeepsItsPlaceBeyondOneLease(t *testing.T) {
	server := testenv.OwnRedis(t)
	l := running(t, limit.New(atATime(1, time.Second), dial(t, server.URL()), quiet))
	long := l.Enter(t.Context(), caller("a"), "")
	defer long.Leave(0)
	until := func() (count, till int) {
		for _, said := range dial(t, server.URL()).HVals(t.Context(), "kefu:{default}:limit:key:a:c").Val() {
			if _, err := fmt.Sscanf(said, "%d %d %d", &count, new(int), &till); err != nil {
				t.Fatal(err)
			}
		}
		return count, till
	}
	_, first := until()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if count, till := until(); count == 1 && till > first {
			return // renewed, with nobody entering or leaving
		}
		if time.Now().After(deadline) {
			t.Fatal("the lease of a request under way is not renewed")
		}
	}
}

func TestThePlacesOfAKilledReplicaComeBack(t *testing.T) {
	server := testenv.OwnRedis(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+server.URL())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "" {
		t.Fatalf("the replica's own request was refused: %s", lines.Text())
	}
	if n := len(dial(t, server.URL()).HVals(t.Context(), "kefu:{default}:limit:key:a:c").Val()); n != 1 {
		t.Fatalf("%d replicas in Redis, want 1", n)
	}
	l := running(t, limit.New(atATime(3, time.Second), dial(t, server.URL()), quiet))
	for deadline := time.Now().Add(20 * time.Second); ; {
		v := l.Enter(t.Context(), caller("a"), "")
		v.Leave(0)
		if v.Refused == limit.Concurrent {
			break // all three are in
		}
		if time.Now().After(deadline) {
			t.Fatal("the replica's requests never counted")
		}
	}
	if err := cmd.Process.Kill(); err != nil { // as kill -9 does
		t.Fatal(err)
	}
	v := soon(t, l, "after the lease of the killed replica")
	v.Leave(0)
}

// A caller keeps to their limit in each replica while Redis is away.
func TestWithoutRedisEachReplicaCountsItsOwnRequests(t *testing.T) {
	server := testenv.OwnRedis(t)
	l := running(t, limit.New(atATime(2, time.Minute), dial(t, server.URL()), quiet))
	first := l.Enter(t.Context(), caller("a"), "")
	server.Stop()
	second := l.Enter(t.Context(), caller("a"), "")
	third := l.Enter(t.Context(), caller("a"), "")
	if first.Refused != "" || second.Refused != "" || third.Refused != limit.Concurrent {
		t.Errorf("verdicts = %q %q %q, want two let in", first.Refused, second.Refused, third.Refused)
	}
	first.Leave(0)
	second.Leave(0)
}

// BenchmarkEnterShared is a request whose rate and place are in Redis: what
// comes to the one round trip by the place.
func BenchmarkEnterShared(b *testing.B) {
	url := testenv.OwnRedis(b).URL()
	for name, rates := range map[string]limit.Rates{"rate": {Requests: 1_000_000_000}, "rate and place": {Requests: 1_000_000_000, Concurrent: 1000}} {
		b.Run(name, func(b *testing.B) {
			opt, err := redis.ParseURL(url)
			if err != nil {
				b.Fatal(err)
			}
			client := redis.NewClient(opt)
			defer client.Close()
			l := limit.New(limit.Config{Key: rates, Timeout: 5 * time.Second}, client, quiet)
			ctx, stop := context.WithCancel(b.Context())
			var run sync.WaitGroup
			run.Go(func() { _ = l.Run(ctx) })
			defer run.Wait()
			defer stop()
			c := caller(desk.KeyID("key_06H1IMCM59OPOEJ0RH83C08M0G"))
			for b.Loop() {
				v := l.Enter(ctx, c, "answer")
				v.Leave(0)
			}
		})
	}
}

// trips counts round trips.
type trips struct{ n atomic.Int64 }

func (*trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { h.n.Add(1); return next(ctx, cmd) }
}

func (h *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { h.n.Add(1); return next(ctx, cmds) }
}

func TestRatePlaceAndCacheCostOneRoundTripOnTheWayIn(t *testing.T) {
	client := dial(t, testenv.OwnRedis(t).URL())
	cfg := limit.Config{Key: limit.Rates{Requests: 100, Concurrent: 2}, Timeout: 5 * time.Second}
	l := limit.New(cfg, client, quiet) // not running: nothing is told afterwards
	warm := l.Enter(t.Context(), caller("a"), "answer")
	h := &trips{}
	client.AddHook(h)
	v := l.Enter(t.Context(), caller("a"), "answer")
	if n := h.n.Load(); n != 1 || !v.Along.Asked || v.Refused != "" {
		t.Errorf("%d round trips, verdict %+v, want one that brought the answer along", n, v)
	}
	warm.Leave(0)
	v.Leave(0)
}
