package gateway

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/openai"
	"kefu/internal/llm/wire"
	"kefu/internal/llmsim"
)

// A vendor over real HTTP that fails in every way it can: every question is
// answered, and the ledger agrees with the vendor's own log.
func TestTheLedgerAgreesWithTheVendorsLog(t *testing.T) {
	sim, err := llmsim.New(llmsim.Config{
		Failures: llmsim.Failures{"500": 0.05, "429": 0.05, "insufficient_quota": 0.02},
		Truncate: 0.05, Disconnect: 0.05, HTML: 0.03,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	client := wire.NewHTTPClient(0)
	defer func() { sim.Release(); client.CloseIdleConnections(); server.Close() }()
	vendor := openai.New(openai.Config{Name: "acme", BaseURL: server.URL + "/v1", Key: "k", HTTP: client})

	r := &recorder{}
	last := provider(answers("quote"))
	g := New(Config{Prices: prices(t), Backoff: time.Millisecond, Breaker: BreakerConfig{Faults: 1000, CoolDown: 1}},
		map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, vendor), paid("acme", large, vendor), offline(last)}}, r)

	const questions = 600
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range questions / 8 {
				askVendor(t, g, r, (worker+n)%2 == 0, n%10 == 0)
			}
		})
	}
	wg.Wait()
	server.Close() // waits for the log's last entries
	agree(t, r.ended, sim.Log())
}

// askVendor asks one question; a reader who leaves closes the stream early.
func askVendor(t *testing.T, g *Gateway, r *recorder, stream, leaves bool) {
	c := question(grant(r))
	c.Stream = stream
	text := "Kettles may be returned within 30 days. Parcels take three days."
	c.Prompt.Sources = []desk.Passage{{Title: "Returns", Chunk: desk.Chunk{Text: text, Tokens: 14}}}
	reply, err := g.Start(t.Context(), c)
	if err != nil {
		t.Errorf("Start = %v, want an answer from somebody", err)
		return
	}
	defer reply.Close()
	if leaves {
		return
	}
	if text, err := reply.Text(); text == "" || err != nil && !stream {
		t.Errorf("Text = %q, %v", text, err)
	}
}

func agree(t *testing.T, rows []desk.Attempt, log []llmsim.Entry) {
	t.Helper()
	var paidRows, exact, charged, logged, finished int
	failures := map[string]int{}
	for _, row := range rows {
		if row.Provider == "offline" {
			continue
		}
		paidRows++
		failures[row.Failure]++
		charged += row.Usage.Total()
		if row.Failure == "" {
			exact += row.Usage.Total()
		}
		if row.Cost > row.Worst {
			t.Errorf("%s cost %d, more than its worst case of %d", row.ID, row.Cost, row.Worst)
		}
	}
	for _, e := range log {
		logged += e.PromptTokens + e.CompletionTokens
		if e.Outcome == llmsim.Finished {
			finished += e.PromptTokens + e.CompletionTokens
		}
	}
	t.Logf("%d requests, %d tokens logged, %d charged, outcomes %v", len(log), logged, charged, failures)
	if paidRows != len(log) {
		t.Errorf("%d rows in the ledger, %d requests in the vendor's log", paidRows, len(log))
	}
	if charged < logged {
		t.Errorf("%d tokens charged, below the %d of the vendor", charged, logged)
	}
	if exact > finished {
		t.Errorf("%d tokens of finished calls, the vendor logged %d", exact, finished)
	}
	for _, kind := range []llm.FailureKind{"", llm.Cut, llm.InvalidReply, llm.Unavailable, llm.RateLimited, llm.QuotaExhausted, llm.Cancelled} {
		if failures[string(kind)] == 0 {
			t.Errorf("no attempt ended as %q: the faults did not strike", kind)
		}
	}
}
