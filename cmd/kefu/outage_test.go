package main_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// clients are the load of an outage.
const clients = 32

func TestRedisMayDieOrHangUnderLoadWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		end, mend func(*testenv.Server)
	}{
		{"killed", (*testenv.Server).Stop, (*testenv.Server).Start},
		{"hung", (*testenv.Server).Pause, (*testenv.Server).Resume},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			redis := testenv.OwnRedis(t)
			server := newShop(t, "REDIS_URL="+redis.URL(), "KEFU_CACHE_MEMORY_ENTRIES=0").Serve()
			questions := []string{simpleEN, complexEN, simpleZH, complexZH}
			for _, q := range questions {
				hitsRedis(t, server, q)
			}

			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var load sync.WaitGroup
			var asked, hits, failed atomic.Int64
			var slowest atomic.Int64
			for client := range clients {
				load.Go(func() {
					for n := client; ctx.Err() == nil; n++ {
						start := time.Now()
						a, err := server.TryAsk(t.Context(), questions[n%len(questions)])
						if err != nil || !a.Grounded {
							failed.Add(1)
							t.Errorf("during the outage: %+v %v", a, err)
							return
						}
						asked.Add(1)
						if a.CacheHit {
							hits.Add(1)
						}
						slowest.Store(max(slowest.Load(), int64(time.Since(start))))
					}
				})
			}
			e2e.Eventually(t, "the load runs on hits", func() bool { return hits.Load() > clients })
			tt.end(redis)
			e2e.Eventually(t, "the load runs without hits", func() bool { return asked.Load()-hits.Load() > 10*clients || failed.Load() > 0 })
			stop()
			load.Wait()
			t.Logf("%d asked, %d of them hits, %d failed, slowest %v", asked.Load(), hits.Load(), failed.Load(), time.Duration(slowest.Load()))
			if status, body := server.Get("/readyz"); status != http.StatusOK || !strings.Contains(body, "redis") {
				t.Errorf("/readyz without Redis: %d %s, want ready", status, body)
			}

			tt.mend(redis)
			for _, q := range questions {
				hitsRedis(t, server, q)
			}
			if code := server.Stop(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			healthy(t, server.Log)
			said := server.Log.String()
			if lost, back := strings.Count(said, "redis does not answer"), strings.Count(said, "redis answers again"); lost == 0 || back != lost {
				t.Errorf("the log says %d times that Redis is lost and %d times that it is back", lost, back)
			}
			if strings.Contains(said, "pool.go") {
				t.Errorf("the Redis client writes past the log:\n%s", said)
			}
		})
	}
}

// hitsRedis asks until the answer comes from Redis.
func hitsRedis(t *testing.T, server *e2e.Server, question string) {
	t.Helper()
	e2e.Eventually(t, "a hit in Redis", func() bool { return server.Ask(question).CacheTier == desk.TierRedis })
}

func TestAFailingProviderLeavesNoQuestionUnanswered(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name   string
		config llmsim.Config
	}{
		{"status 500", llmsim.Config{Failures: llmsim.Failures{"500": 1}}},
		{"status 429 with Retry-After", llmsim.Config{Failures: llmsim.Failures{"429": 1}, RetryAfter: 1}},
		{"quota exhausted", llmsim.Config{Failures: llmsim.Failures{"insufficient_quota": 1}}},
		{"key refused", llmsim.Config{Failures: llmsim.Failures{"invalid_api_key": 1}}},
		{"model gone", llmsim.Config{Failures: llmsim.Failures{"model_not_found": 1}}},
		{"a web page", llmsim.Config{HTML: 1}},
		{"half a reply", llmsim.Config{Truncate: 1}},
		{"a reset", llmsim.Config{Disconnect: 1}},
		{"no reply", llmsim.Config{Hang: 1}},
	}
	vendors := make([]*e2e.Vendor, len(faults))
	servers := make([]*e2e.Server, len(faults))
	for i, f := range faults {
		vendors[i] = e2e.NewVendor(t, llmsim.Config{})
		servers[i] = newShop(t, append(vendors[i].Env(), "KEFU_MODELS_TIMEOUT="+callLimit.String(), "KEFU_MODELS_BREAKER_COOL_DOWN="+coolDown.String())...).Serve()
		if a := servers[i].Ask(simpleEN); a.Provider != "openai" || a.Degraded || !a.Grounded {
			t.Fatalf("before %s: %+v", f.name, a)
		}
		vendors[i].Behave(f.config)
	}

	var asked sync.WaitGroup
	for i, f := range faults {
		for _, q := range []string{complexEN, simpleZH, complexZH, "Must the item be unused?"} {
			asked.Go(func() {
				a, err := servers[i].TryAsk(t.Context(), q)
				if err != nil || !a.Degraded || !a.Grounded || a.Provider != "offline" || len(a.SourceDocuments) == 0 {
					t.Errorf("%s: %s: %+v %v, want a degraded answer with sources", f.name, q, a, err)
				}
				t.Logf("%s: %s: answered in %d ms", f.name, q, a.LatencyMS)
			})
		}
	}
	asked.Wait()
	for i, f := range faults {
		if a := servers[i].Ask(simpleEN); !a.CacheHit || a.Degraded {
			t.Errorf("%s: what was cached before: %+v, want a hit", f.name, a)
		}
		vendors[i].Behave(llmsim.Config{})
	}

	repaired := time.Now()
	for i, f := range faults {
		e2e.Eventually(t, f.name+" is over and the provider answers again", func() bool {
			a := servers[i].Ask(complexEN)
			return a.Provider == "openai" && !a.Degraded && a.Grounded
		})
		t.Logf("%s: back to normal at most %v after the repair", f.name, time.Since(repaired))
		if code := servers[i].Stop(); code != 0 {
			t.Errorf("%s: exit status %d", f.name, code)
		}
		healthy(t, servers[i].Log)
	}
}

func TestUnreachableRedisAndProviderDoNotStopAStart(t *testing.T) {
	t.Parallel()
	nowhere := "127.0.0.1:1"
	server := newShop(t, "REDIS_URL=redis://"+nowhere, "OPENAI_BASE_URL=http://"+nowhere+"/v1", "OPENAI_API_KEY=sk-0123456789").Serve()
	for _, q := range []string{simpleEN, complexEN, simpleZH, complexZH} {
		if a := server.Ask(q); !a.Grounded || !a.Degraded || a.CacheHit {
			t.Errorf("%s: %+v, want a degraded answer", q, a)
		}
	}
	if status, body := server.Get("/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

// What a server knows is in memory, and what it has to write down waits.
func TestALostDatabaseLeavesNoQuestionUnanswered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lose func(*e2e.Proxy)
	}{
		{"cut", (*e2e.Proxy).Cut},
		{"hung", (*e2e.Proxy).Hang},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vendor := e2e.NewVendor(t, llmsim.Config{})
			proxy, database := e2e.NewProxy(t, testenv.Postgres(t))
			site := newShop(t, append(vendor.Env(), "DATABASE_URL="+database, "KEFU_KNOWLEDGE_LEASE=1s")...)
			server := site.Serve()
			if a := server.Ask(simpleEN); !a.Grounded || a.Degraded {
				t.Fatalf("before: %+v", a)
			}

			tt.lose(proxy)
			var asked sync.WaitGroup
			for _, q := range []string{simpleEN, complexEN, simpleZH, complexZH} {
				asked.Go(func() {
					a, err := server.TryAsk(t.Context(), q)
					if err != nil || !a.Grounded {
						t.Errorf("%s: %+v %v, want an answer", q, a, err)
					}
					t.Logf("%s: answered in %d ms by %s", q, a.LatencyMS, a.Provider)
				})
			}
			asked.Wait()
			e2e.Eventually(t, "the server is not ready", func() bool {
				status, _ := server.Get("/readyz")
				return status == http.StatusServiceUnavailable
			})
			if status, _ := server.Get("/health"); status != http.StatusOK {
				t.Errorf("/health: status %d, want alive", status)
			}

			proxy.Link()
			took := e2e.Eventually(t, "everything is as before", func() bool {
				ready, _ := server.Get("/readyz")
				a := server.Ask(complexEN)
				return ready == http.StatusOK && a.Provider == "openai" && !a.Degraded
			})
			t.Logf("back to normal after %v", took)
			if code := server.Stop(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			calls, _ := attempts(t, site)
			recorded := 0
			for _, n := range calls {
				recorded += n
			}
			if made := len(vendor.Log()); recorded != made {
				t.Errorf("%d attempts in the ledger, the provider counts %d requests", recorded, made)
			}
		})
	}
}

// Hosts, files and settings are for the console of whoever runs the program.
func TestCallersAreNotToldWhereTheDatabaseIs(t *testing.T) {
	t.Parallel()
	proxy, database := e2e.NewProxy(t, testenv.Postgres(t))
	server := newShop(t, "DATABASE_URL="+database).Serve()
	proxy.Cut()
	status, reply := server.Get("/v1/conversations/any")
	if status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", status)
	}
	holds(t, "the reply", reply, `"code":"database_unreachable"`, "try again later")
	for _, inside := range []string{"PostgreSQL", "127.0.0.1", "DATABASE_URL"} {
		if strings.Contains(reply, inside) {
			t.Errorf("the reply names %s: %s", inside, reply)
		}
	}
}

func TestADatabaseThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	running := testenv.Postgres(t)
	missing := running[:strings.LastIndex(running, "/")] + "/nowhere?sslmode=disable"
	damaged := e2e.NewSite(t)
	damaged.Write("data/kefu.db", strings.Repeat("this is no database. ", 500))
	blocked := e2e.NewSite(t)
	blocked.Write("data", "a file where the directory should be")
	for _, tt := range []struct {
		name string
		site *e2e.Site
		says []string
	}{
		{"unreachable", e2e.NewSite(t, "DATABASE_URL=postgres://kefu:s3cret@127.0.0.1:1/kefu"), []string{"127.0.0.1:1", "does not answer", "DATABASE_URL"}},
		{"missing", e2e.NewSite(t, "DATABASE_URL="+missing), []string{`no database "nowhere"`, "createdb"}},
		{"newer", newer(t, e2e.NewSite(t)), []string{"schema version 9001", "newer kefu"}},
		{"newer on PostgreSQL", newer(t, e2e.NewSite(t, "DATABASE_URL="+testenv.Postgres(t))), []string{"schema version 9001", "newer kefu"}},
		{"damaged", damaged, []string{"kefu.db", "backup"}},
		{"no directory", blocked, []string{"data", "KEFU_DATA_DIR"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{{"serve"}, {"kb", "status"}} {
				r := tt.site.Run(args...)
				if r.Code != 4 {
					t.Errorf("kefu %s: exit status %d, want 4", strings.Join(args, " "), r.Code)
				}
				holds(t, "stderr", r.Stderr, tt.says...)
				if strings.Contains(r.Stderr, "s3cret") {
					t.Errorf("stderr shows the password:\n%s", r.Stderr)
				}
				if n := strings.Count(r.Stderr, "\n"); n > 2 {
					t.Errorf("stderr has %d lines:\n%s", n, r.Stderr)
				}
			}
		})
	}
}

// newer makes the database that of a later version.
func newer(t *testing.T, site *e2e.Site) *e2e.Site {
	t.Helper()
	site.Must("migrate")
	db := site.DB()
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, true)`); err != nil {
		t.Fatal(fmt.Errorf("pretend a newer schema: %w", err))
	}
	return site
}
