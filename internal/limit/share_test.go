package limit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/limit"
	"kefu/internal/testenv"
)

// among are n replicas that know of each other; url may be empty for no Redis.
func among(t *testing.T, n int, rates limit.Rates, url string) (all []*limit.Limiter) {
	t.Helper()
	cfg := limit.Config{Key: rates, Timeout: 5 * time.Second, Replicas: func() int { return n }}
	for range n {
		if url == "" {
			all = append(all, running(t, limit.New(cfg, nil, quiet)))
		} else {
			all = append(all, running(t, limit.New(cfg, dial(t, url), quiet)))
		}
	}
	return all
}

func TestReplicasWithoutRedisLetInNoMoreThanOneWould(t *testing.T) {
	for _, tt := range []struct {
		name              string
		rate, n, all, ten int // let in at once, and in the ten seconds after
	}{
		{"a rate that divides", 60, 3, 60, 9}, // 3⅓ each
		{"a rate that does not", 20, 3, 18, 3},
		{"a rate below the number of replicas", 2, 3, 3, 0}, // one each
		{"one replica", 60, 1, 60, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				replicas := among(t, tt.n, limit.Rates{Requests: tt.rate}, "")
				for _, want := range []int{tt.all, tt.ten} {
					in := 0
					for _, l := range replicas {
						in += allowed(t, l, caller("a"), 100)
					}
					if in != want {
						t.Errorf("let in = %d, want %d", in, want)
					}
					time.Sleep(10 * time.Second)
				}
			})
		})
	}
}

func TestTokensWithoutRedisAreSharedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := among(t, 2, limit.Rates{Tokens: 600}, "")[0]
		v := one.Enter(t.Context(), caller("a"), "")
		v.Leave(350)
		if v = one.Enter(t.Context(), caller("a"), ""); v.Refused != limit.Tokens || v.Wait.Round(time.Millisecond) != 10200*time.Millisecond {
			t.Errorf("verdict = %+v, want to wait until 50 tokens too many are paid at 300 a minute", v)
		}
	})
}

func TestPlacesWithoutRedisAreShared(t *testing.T) {
	for _, tt := range []struct{ limit, n, want int }{{6, 3, 6}, {7, 3, 6}, {2, 3, 3}, {4, 1, 4}} {
		in := 0
		for _, l := range among(t, tt.n, limit.Rates{Concurrent: tt.limit}, "") {
			for range 10 {
				if v := l.Enter(t.Context(), caller("a"), ""); v.Refused == "" {
					in++
				}
			}
		}
		if in != tt.want {
			t.Errorf("%d at a time over %d replicas: let in %d, want %d", tt.limit, tt.n, in, tt.want)
		}
	}
}

// What Redis let in counts where it is known: by the replicas that asked it
// about the caller, also when they let in themselves less than their share.
func TestALimitIsKeptWhileRedisDies(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first [3]int // asked of each replica while there is Redis
	}{
		{"evenly", [3]int{6, 6, 6}},
		{"one after another", [3]int{20, 5, 5}},
		{"all of it is gone", [3]int{40, 1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := testenv.OwnRedis(t)
			replicas := among(t, 3, limit.Rates{Requests: 30, Concurrent: 6}, server.URL())
			start, in := time.Now(), 0
			for i, n := range tt.first {
				in += allowed(t, replicas[i], caller("a"), n)
			}
			server.Stop()
			for _, l := range replicas {
				in += allowed(t, l, caller("a"), 50)
			}
			if earned := int(time.Since(start).Seconds()/2) + 1; in > 30+earned || in < 10 {
				t.Errorf("let in %d, want at most 30 and the %d earned meanwhile", in, earned)
			}
		})
	}
}

func TestPlacesAreKeptWhileRedisDies(t *testing.T) {
	server := testenv.OwnRedis(t)
	replicas := among(t, 3, limit.Rates{Concurrent: 6}, server.URL())
	in := 0
	for _, l := range replicas {
		for range 2 {
			if v := l.Enter(t.Context(), caller("a"), ""); v.Refused == "" {
				in++
			}
		}
	}
	server.Stop()
	for _, l := range replicas {
		for range 3 {
			if v := l.Enter(t.Context(), caller("a"), ""); v.Refused == "" {
				in++
			}
		}
	}
	if in != 6 {
		t.Errorf("%d at a time, want 6", in)
	}
}
