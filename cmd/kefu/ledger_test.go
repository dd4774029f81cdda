package main_test

import (
	"sync"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
	"kefu/internal/testenv"
)

// bill is what was used of one model, by kind of call.
type bill struct{ calls, prompt, completion int }

func TestTheLedgerEqualsTheProvidersLog(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{"SQLite": nil, "PostgreSQL": {"DATABASE_URL=" + testenv.Postgres(t)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor := e2e.NewVendor(t, llmsim.Config{Failures: llmsim.Failures{"500": 0.1, "429": 0.1}, HTML: 0.05, Truncate: 0.05})
			site := newShop(t, append(vendor.Env(), env...)...)
			server := site.Serve()
			var asked sync.WaitGroup
			for _, q := range []string{simpleEN, complexEN, simpleZH, complexZH, unknownEN, "Must the item be unused?", "Hello!", "你好", simpleEN, complexZH} {
				asked.Go(func() {
					if _, err := server.TryAsk(t.Context(), q); err != nil {
						t.Errorf("%s: %v", q, err)
					}
				})
			}
			asked.Wait()
			if code := server.Stop(); code != 0 {
				t.Errorf("exit status %d", code)
			}

			billed := map[string]bill{} // by the provider: all calls, tokens of the finished ones
			finished := 0
			for _, e := range vendor.Log() {
				b := billed[e.Model]
				b.calls++
				if e.Outcome == llmsim.Finished && e.Status == 200 && e.PromptTokens > 0 {
					finished++
					b.prompt += e.PromptTokens
					b.completion += e.CompletionTokens
				}
				billed[e.Model] = b
			}
			calls, tokens := attempts(t, site)
			for model, b := range billed {
				if calls[model] != b.calls {
					t.Errorf("%s: %d attempts, the provider counts %d requests", model, calls[model], b.calls)
				}
				got := tokens[model]
				if got.prompt != b.prompt || got.completion != b.completion {
					t.Errorf("%s: finished calls = %+v, the provider counts %+v", model, got, b)
				}
				delete(calls, model)
			}
			if len(calls) > 0 {
				t.Errorf("attempts of which the provider knows nothing: %v", calls)
			}
			if finished == 0 {
				t.Error("no call was finished: nothing was compared")
			}
		})
	}
}

// attempts reads the ledger: all calls of the provider by model, and the
// tokens of those that succeeded.
func attempts(t *testing.T, site *e2e.Site) (calls map[string]int, tokens map[string]bill) {
	t.Helper()
	db := site.DB()
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT model, state, failure, estimated, prompt_tokens, completion_tokens, worst, cost
		FROM attempts WHERE provider = 'openai'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	calls, tokens = map[string]int{}, map[string]bill{}
	for rows.Next() {
		var model, state, failure string
		var estimated bool
		var prompt, completion int
		var worst, cost int64
		if err := rows.Scan(&model, &state, &failure, &estimated, &prompt, &completion, &worst, &cost); err != nil {
			t.Fatal(err)
		}
		if state != "ended" {
			t.Errorf("an attempt at %s is in state %q after the shutdown", model, state)
		}
		if cost > worst {
			t.Errorf("an attempt at %s cost %d, more than its bound %d", model, cost, worst)
		}
		calls[model]++
		if failure != "" {
			continue
		}
		if estimated {
			t.Errorf("a finished call of %s is estimated", model)
		}
		b := tokens[model]
		b.prompt += prompt
		b.completion += completion
		tokens[model] = b
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return calls, tokens
}
