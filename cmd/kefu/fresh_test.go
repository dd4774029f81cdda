package main_test

import (
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"kefu/internal/desk"
	"kefu/internal/e2e"
	"kefu/internal/testenv"
)

// What one server may take to serve a change, and a second replica. Both are
// counted from the start of the command that makes the change.
const (
	freshHere  = time.Second
	freshThere = 2 * time.Second
)

// repaired answers unknownEN.
const repaired = "# Typewriters\n\nWe repair mechanical typewriters of every make for 80 euros.\n"

func TestAnEditedDocumentChangesTheCachedAnswerAtOnce(t *testing.T) {
	site := newShop(t)
	server := site.Serve()
	server.Ask(simpleEN)
	server.Ask(complexEN)
	if a := server.Ask(simpleEN); a.CacheTier != desk.TierMemory || a.TokensUsed != 0 {
		t.Fatalf("asked twice: %+v, want a free hit in memory", a)
	}
	if a := server.Ask(unknownEN); a.Grounded || a.Handoff == nil {
		t.Fatalf("%s: %+v, want no answer", unknownEN, a)
	}
	if a := server.Ask(unknownEN); a.CacheTier != desk.TierMemory {
		t.Errorf("what is not known was not cached: %+v", a)
	}

	days := 45
	site.Promptly("from the start of kefu kb load to the new answer", freshHere, func() time.Duration {
		defer func() { days++ }()
		edit(site, "30 days", fmt.Sprint(days, " days"))
		start := time.Now()
		site.Must("kb", "load", "docs")
		a := server.Ask(simpleEN)
		if a.CacheHit || !strings.Contains(a.Answer, fmt.Sprint(days, " days")) {
			t.Errorf("after the edit: %+v, want %d days, composed anew", a, days)
		}
		return time.Since(start)
	})
	if a := server.Ask(complexEN); a.CacheTier != desk.TierMemory {
		t.Errorf("the edit of another document ended a cached answer: %+v", a)
	}

	site.Write("docs/typewriters.md", repaired)
	site.Must("kb", "load", "docs")
	if a := server.Ask(unknownEN); !a.Grounded || !strings.Contains(a.Answer, "80 euros") {
		t.Errorf("after a document that answers it: %+v", a)
	}
	for _, d := range list(t, site) {
		if d.Path == "docs/typewriters.md" {
			site.Must("kb", "rm", d.ID)
		}
	}
	if a := server.Ask(unknownEN); a.Grounded || a.CacheHit {
		t.Errorf("after the document was removed: %+v, want no answer", a)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

func edit(site *e2e.Site, old, replacement string) {
	for name, text := range shop {
		if strings.Contains(text, old) {
			site.Write(name, strings.ReplaceAll(text, old, replacement))
		}
	}
}

func TestAnEditedDocumentIsServedByEveryReplicaAndNothingStaleAfterwards(t *testing.T) {
	database, redis := testenv.Postgres(t), testenv.Redis(t)
	site := newShop(t, "DATABASE_URL="+database, "REDIS_URL="+redis)
	replicas := []*e2e.Server{site.Serve(), site.Serve()}
	for _, r := range replicas {
		r.Ask(simpleEN)
		r.Ask(simpleZH)
		r.Ask(unknownEN)
	}
	if a := replicas[1].Ask(simpleEN); !a.CacheHit {
		t.Errorf("not cached: %+v", a)
	}

	days := 45
	site.Promptly("from the start of kefu kb load to the new answer of every replica", freshThere, func() time.Duration {
		defer func() { days++ }()
		return servedBy(t, site, replicas, days)
	})

	site.Write("docs/typewriters.md", repaired)
	site.Must("kb", "load", "docs")
	for i, r := range replicas {
		if a := r.Ask(unknownEN); !a.Grounded {
			t.Errorf("replica %d after a document that answers it: %+v", i, a)
		}
		if code := r.Stop(); code != 0 {
			t.Errorf("replica %d: exit status %d", i, code)
		}
		healthy(t, r.Log)
	}
}

// servedBy publishes another number of days, and returns after which time all
// replicas have answered with it.
func servedBy(t *testing.T, site *e2e.Site, replicas []*e2e.Server, days int) time.Duration {
	t.Helper()
	edit(site, "30 days", fmt.Sprint(days, " days"))
	start := time.Now()
	stop := make(chan struct{})
	fresh := make(chan time.Duration, len(replicas))
	for _, r := range replicas { // ask all the time: no stale answer may come after a new one
		go watch(t, r, days, start, fresh, stop)
	}
	site.Must("kb", "load", "docs")
	loaded := time.Since(start)
	for i, r := range replicas {
		if a := r.Ask(simpleEN); !strings.Contains(a.Answer, fmt.Sprint(days, " days")) {
			t.Errorf("replica %d after the load returned: %+v, want %d days", i, a, days)
		}
		if a := r.Ask(simpleZH); !a.CacheHit {
			t.Errorf("replica %d: the edit of another document ended a cached answer: %+v", i, a)
		}
	}
	close(stop)
	var slowest time.Duration
	for range replicas {
		took := <-fresh
		t.Logf("new answer after %v; the load returned after %v", took, loaded)
		slowest = max(slowest, took)
	}
	return slowest
}

// watch asks until stop is closed, tells when the first new answer came, and
// fails the test when an old one follows it.
func watch(t *testing.T, r *e2e.Server, days int, start time.Time, fresh chan<- time.Duration, stop <-chan struct{}) {
	var first time.Duration
	defer func() { fresh <- first }()
	for {
		a, err := r.TryAsk(t.Context(), simpleEN)
		switch {
		case err != nil:
			t.Errorf("asked during a publish: %v", err)
			return
		case strings.Contains(a.Answer, fmt.Sprint(days, " days")):
			if first == 0 {
				first = time.Since(start)
			}
		case first != 0:
			t.Errorf("a stale answer %v after the new one: %+v", time.Since(start)-first, a)
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// The second replica has never seen the question: the entry is the first one's.
func TestAnAnswerIsSharedThroughRedisAndDiesWithItsDocument(t *testing.T) {
	t.Parallel()
	url := testenv.Redis(t)
	site := newShop(t, "DATABASE_URL="+testenv.Postgres(t), "REDIS_URL="+url)
	first, second := site.Serve(), site.Serve()
	first.Ask(complexZH)
	redis := redisClient(t, url)
	e2e.Eventually(t, "the answer is in Redis", func() bool {
		n, err := redis.DBSize(t.Context()).Result()
		return err == nil && n == 1
	})
	if a := second.Ask(complexZH); a.CacheTier != desk.TierRedis {
		t.Errorf("the second replica: %+v, want a hit in Redis", a)
	}
	if a := second.Ask(complexZH); a.CacheTier != desk.TierMemory {
		t.Errorf("after a hit in Redis: %+v, want one in memory", a)
	}
	edit(site, "9.95欧元", "12.50欧元")
	site.Must("kb", "load", "docs")
	for i, r := range []*e2e.Server{second, first} {
		if a := r.Ask(complexZH); !strings.Contains(a.Answer, "12.50欧元") {
			t.Errorf("replica %d: %+v, want the new price", 2-i, a)
		}
	}
}

// A replica that stood still for longer than its lease is not waited for by
// publishers: it has to catch up before it answers from its cache again.
func TestAReplicaThatStoodStillCatchesUpBeforeItAnswers(t *testing.T) {
	t.Parallel()
	site := newShop(t, "DATABASE_URL="+testenv.Postgres(t), "KEFU_KNOWLEDGE_LEASE=1s")
	server := site.Serve()
	server.Ask(simpleEN)
	if a := server.Ask(simpleEN); !a.CacheHit {
		t.Fatalf("not cached: %+v", a)
	}

	server.Signal(syscall.SIGSTOP)
	edit(site, "30 days", "45 days")
	site.Must("kb", "load", "docs") // returns once the lease has run out
	answers := make(chan e2e.Answer, 8)
	var asked sync.WaitGroup
	for range cap(answers) { // they wait in the kernel for the server to go on
		asked.Go(func() {
			a, err := server.TryAsk(t.Context(), simpleEN)
			if err != nil {
				t.Error(err)
			}
			answers <- a
		})
	}
	time.Sleep(100 * time.Millisecond) // nothing tells that the kernel has them
	server.Signal(syscall.SIGCONT)
	asked.Wait()
	for range cap(answers) {
		if a := <-answers; !strings.Contains(a.Answer, "45 days") {
			t.Errorf("a stale answer: %+v", a)
		}
	}
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return client
}
