package main_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/e2e"
	"kefu/internal/llm/price"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// replicas are servers of one installation, some of which are killed and
// replaced while they are asked.
type replicas struct {
	site *e2e.Site
	mu   sync.Mutex
	all  []*e2e.Server
}

func (r *replicas) pick() *e2e.Server {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[rand.N(len(r.all))]
}

// killOne ends a random replica without warning and starts another.
func (r *replicas) killOne() {
	next := r.site.Serve()
	r.mu.Lock()
	i := rand.N(len(r.all))
	old := r.all[i]
	r.all[i] = next
	r.mu.Unlock()
	old.Signal(syscall.SIGKILL)
	old.Wait()
}

// TestNoBudgetIsOverspentWhateverHappens asks three replicas over one database
// from 100 callers, kills replicas and lets the provider hang and fail, and
// watches the budget meanwhile.
func TestNoBudgetIsOverspentWhateverHappens(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func() []string{
		"SQLite":     func() []string { return nil },
		"PostgreSQL": func() []string { return []string{"DATABASE_URL=" + testenv.Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 250_000 // micro-dollars
			vendor := e2e.NewVendor(t, llmsim.Config{})
			site := newShop(t, append(append(vendor.Env(), env()...), "KEFU_ANSWER_DEADLINE=2s", "KEFU_MODELS_TIMEOUT=1s",
				"KEFU_ANSWER_ATTEMPTS=3", "KEFU_ANSWER_PROMPT_TOKENS=500", "KEFU_MODELS_MAX_TOKENS=100")...)
			r := &replicas{site: site}
			for range 3 {
				r.all = append(r.all, site.Serve())
			}
			site.Must("budgets", "set", "--usd", "0.25", "--at-cap", "refuse")
			db := site.DB()
			defer db.Close()
			eventuallyBudgeted(t, r)
			before := len(vendor.Log())
			vendor.Behave(llmsim.Config{Hang: 0.03, Failures: llmsim.Failures{"500": 0.1}, Truncate: 0.05, Latency: slowVendor(t, "uniform:10ms-200ms").Latency})

			watched, stopWatching := context.WithCancel(t.Context())
			var watcher sync.WaitGroup
			var most int64
			watcher.Go(func() { most = watchBudget(watched, t, db, limit) })
			var refused int
			var mu sync.Mutex
			var callers sync.WaitGroup
			until := time.Now().Add(6 * time.Second)
			for c := range 100 {
				callers.Go(func() {
					for n := 0; time.Now().Before(until); n++ {
						q := fmt.Sprintf("Compare standard and express shipping for %d items: what do they cost and how long do they take?", c*1000+n)
						_, err := r.pick().TryAsk(t.Context(), q)
						if err != nil && strings.Contains(err.Error(), "over_budget") {
							mu.Lock()
							refused++
							mu.Unlock()
							time.Sleep(100 * time.Millisecond) // refusals alone would keep the machine busy
						}
					}
				})
			}
			for range 3 {
				r.killOne()
			}
			callers.Wait()
			took := e2e.Eventually(t, "no hold is left", func() bool { return one(t, db, `SELECT COUNT(*) FROM holds`) == 0 })
			stopWatching()
			watcher.Wait()
			for _, s := range r.all {
				if code := s.Stop(); code != 0 {
					t.Errorf("exit status %d", code)
				}
			}
			held, spent := one(t, db, `SELECT SUM(held) FROM budget_windows`), one(t, db, `SELECT SUM(spent) FROM budget_windows`)
			billed := billOf(t, vendor.Log()[before:])
			ledger := one(t, db, `SELECT SUM(cost) FROM attempts WHERE answer_id <> ''`)
			t.Logf("cap %d, spent %d, the provider's bill %d, the ledger %d; %d refused; no hold after %v", limit, spent, billed, ledger, refused, took)
			if held != 0 || spent > limit || billed > spent || ledger < spent {
				t.Errorf("held %d, spent %d, bill %d, ledger %d: want nothing held and bill ≤ spent ≤ ledger, spent ≤ %d", held, spent, billed, ledger, limit)
			}
			if refused == 0 || most < limit*8/10 || spent == 0 {
				t.Errorf("%d refused, at most %d of %d spent and held: the cap was never near", refused, most, limit)
			}
		})
	}
}

// eventuallyBudgeted waits until every replica has seen the budget: then the
// reservation of a question stands in the database.
func eventuallyBudgeted(t *testing.T, r *replicas) {
	t.Helper()
	db := r.site.DB()
	defer db.Close()
	for i, s := range r.all {
		n := 0
		e2e.Eventually(t, "the replica knows the budget", func() bool {
			n++
			before := one(t, db, `SELECT COALESCE(SUM(spent), 0) FROM budget_windows`)
			s.Ask(fmt.Sprintf("Compare standard and express shipping %d %d times, and say why?", i, n))
			return one(t, db, `SELECT COALESCE(SUM(spent), 0) FROM budget_windows`) > before
		})
	}
}

// watchBudget holds the cap against what is spent and held until ctx ends, and
// returns the most of it that it saw.
func watchBudget(ctx context.Context, t *testing.T, db *sql.DB, limit int64) (most int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-tick.C:
		}
		most = max(most, one(t, db, `SELECT COALESCE(MAX(spent + held), 0) FROM budget_windows`))
		if most > limit {
			t.Errorf("spent and held %d, want at most %d", most, limit)
			return most
		}
	}
}

func one(t *testing.T, db *sql.DB, query string) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(context.Background(), query).Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

// billOf is what the provider may ask for: tokens that it worked on, also of
// calls that were cut.
func billOf(t *testing.T, log []llmsim.Entry) (sum int64) {
	t.Helper()
	prices, err := price.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		p, ok := prices.Lookup(e.Model)
		if !ok {
			t.Errorf("no price of %s", e.Model)
		}
		sum += int64(p.Cost(desk.Usage{Prompt: e.PromptTokens, Completion: e.CompletionTokens}))
	}
	return sum
}

func TestAModelWithoutAPriceIsRefusedUnderABudgetInDollars(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, append(vendor.Env(), "KEFU_MODELS_CHEAP=house-model", "KEFU_MODELS_STRONG=house-model")...)
	server := site.Serve()
	if a := server.Ask(simpleEN); a.Degraded {
		t.Errorf("without a budget: %+v", a)
	}
	site.Must("budgets", "set", "--usd", "100")
	e2e.Eventually(t, "the model is refused", func() bool {
		_, err := server.TryAsk(t.Context(), "How long may I keep it? "+fmt.Sprint(rand.Uint64()))
		return err != nil && strings.Contains(err.Error(), "model_unpriced") && strings.Contains(err.Error(), "house-model")
	})
	site.Must("budgets", "rm", budgetID(t, site))
	site.Must("budgets", "set", "--tokens", "1000000")
	e2e.Eventually(t, "tokens need no price", func() bool {
		_, err := server.TryAsk(t.Context(), "How long may I keep it? "+fmt.Sprint(rand.Uint64()))
		return err == nil
	})
}

func budgetID(t *testing.T, site *e2e.Site) string {
	t.Helper()
	_, rest, _ := strings.Cut(site.Must("budgets", "list", "--json"), `"id": "`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestABudgetSaysWhereNobodyCouldAnswerAtItsCap(t *testing.T) {
	t.Parallel()
	site := e2e.NewSite(t)
	set := []string{"budgets", "set", "--usd", "1", "--at-cap", "offline"}
	if r := site.Run(set...); r.Code != 0 || strings.Contains(r.Stderr, "offline") {
		t.Errorf("with the chains as they are: %d %s", r.Code, r.Stderr)
	}
	site.Write("kefu.yaml", "models: {luna: {provider: openai, model: gpt-6-luna, base_url: 'http://127.0.0.1:9/v1'}}\nchains: {simple: [luna, offline], complex: [luna]}\n")
	if r := site.Run(set...); r.Code != 0 || !strings.Contains(r.Stderr, "a chain of models lacks offline") {
		t.Errorf("with a chain without the offline model: %d %s", r.Code, r.Stderr)
	}
}

func TestAtTheCapTheConfiguredModelAnswers(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]func(a e2e.Answer, err error) bool{
		"offline": func(a e2e.Answer, err error) bool { return err == nil && a.Degraded && a.Provider == "offline" },
		"cheaper": func(a e2e.Answer, err error) bool {
			return err == nil && a.Model == "gpt-6-luna" && a.Route == "complex"
		},
		"refuse": func(_ e2e.Answer, err error) bool { return err != nil && strings.Contains(err.Error(), "status 429") },
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			vendor := e2e.NewVendor(t, llmsim.Config{})
			site := newShop(t, vendor.Env()...)
			// Enough for a call of the cheap model, not for one of the strong.
			site.Must("budgets", "set", "--usd", "0.005", "--at-cap", action)
			server := site.Serve()
			if a, err := server.TryAsk(t.Context(), complexEN); !want(a, err) {
				t.Errorf("answer %+v, %v", a, err)
			}
			if status, reply, err := server.Post(t.Context(), "application/json", []byte(`{}`)); err != nil || status != http.StatusBadRequest {
				t.Errorf("a bad request = %d %s %v, want 400: it spends nothing", status, reply, err)
			}
		})
	}
}
