package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llmsim"
	"kefu/internal/store"
)

// paired is an observer that gives every call a name, which its request
// carries to the vendor, and remembers whose it was.
type paired struct {
	unobserved
	mu     sync.Mutex
	calls  map[string]desk.AttemptID // by name
	next   int
	hedges int
}

func (p *paired) Decided(_ context.Context, d desk.Decision) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d.Step == desk.StepHedge {
		p.hedges++
	}
}

type callName struct{}

func (p *paired) Attempt(ctx context.Context, _, _ string, _ desk.Purpose) (context.Context, func(desk.Attempt)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	name := strconv.Itoa(p.next)
	return context.WithValue(ctx, callName{}, name), func(a desk.Attempt) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls[name] = a.ID
	}
}

// naming puts the name of a call into its request.
type naming struct{ http.RoundTripper }

func (n naming) RoundTrip(r *http.Request) (*http.Response, error) {
	if name, ok := r.Context().Value(callName{}).(string); ok {
		r = r.Clone(r.Context())
		r.Header.Set(llmsim.ClientIDHeader, name)
	}
	return n.RoundTripper.RoundTrip(r)
}

// A thousand questions to three vendors that fail in every way they can, whole
// and streamed, some given up by their reader, some asked twice when slow: the ledger in the database is
// the vendors' log, call by call, and for finished calls token by token.
func TestTheLedgerEqualsTheVendorsLogCallByCall(t *testing.T) {
	t.Parallel()
	sim, environ, server := simulated(t, llmsim.Config{
		Failures: llmsim.Failures{"500": 0.05, "429": 0.05, "insufficient_quota": 0.01, "400": 0.01},
		Truncate: 0.05, Disconnect: 0.04, HTML: 0.03, Hang: 0.015,
	})
	m := configuredModels(t, "", append(environ, "KEFU_MODELS_TIMEOUT=1s", "KEFU_MODELS_BACKOFF=1ms", "KEFU_MODELS_HEDGE_SHARE=0.05", "KEFU_MODELS_BREAKER_COOL_DOWN=100ms")...)
	m.http.Transport = naming{m.http.Transport}
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ledger := newWorkers(t.Context(), slog.New(slog.DiscardHandler))
	ledger.start("ledger", db.Ledger().Run)

	p := &paired{calls: map[string]desk.AttemptID{}}
	g := m.gateway(p, nil)
	const questions, readers = 1000, 16
	var wg sync.WaitGroup
	for reader := range readers {
		wg.Go(func() {
			for n := reader; n < questions; n += readers {
				readOne(t, g, db.Ledger(), n)
			}
		})
	}
	wg.Wait()
	ledger.close() // which saves what it holds
	m.http.CloseIdleConnections()
	sim.Release()
	server.Close() // waits for the last entries of the log

	entries, err := db.Ledger().List(t.Context(), "t", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	compareCalls(t, entries, p.calls, sim)
	if t.Logf("%d hedges", p.hedges); p.hedges == 0 {
		t.Error("no call was hedged: that was not compared")
	}
}

// readOne asks question n. Every second one is streamed, and of those every
// fifth reader leaves after the first delta, half of them by hanging up.
func readOne(t *testing.T, g llm.Provider, ledger llm.Ledger, n int) {
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	c := call([]llm.Tier{llm.Cheap, llm.Strong}[n/2%2], n%2 == 0)
	c.Allowance = llm.NewAllowance(llm.Grant{Tenant: "t", Attempts: 4, Deadline: time.Now().Add(time.Minute)}, ledger)
	reply, err := g.Start(ctx, c)
	if err != nil {
		t.Errorf("question %d: %v, want an answer from somebody", n, err)
		return
	}
	defer reply.Close()
	if n%10 == 4 {
		if n%20 == 4 {
			hangUp()
		}
		return
	}
	_, _ = reply.Text() // a stream may be cut
}

func compareCalls(t *testing.T, entries []store.Entry, calls map[string]desk.AttemptID, sim *llmsim.Sim) {
	t.Helper()
	rows := map[desk.AttemptID]store.Entry{}
	for _, e := range entries {
		if e.Provider != "offline" {
			rows[e.ID] = e
		}
	}
	kinds := map[string]int{}
	for _, logged := range sim.Log() {
		row, ok := rows[calls[logged.ClientID]]
		if !ok {
			t.Errorf("request %s of the vendor's log is not in the ledger: %+v", logged.ClientID, logged)
			continue
		}
		delete(rows, row.ID)
		kinds[row.Failure]++
		u := row.Usage
		switch {
		case !row.Ended || row.Model != logged.Model || row.Cost > row.Worst:
			t.Errorf("row %+v of %+v", row, logged)
		case row.Failure == "" && (u.Estimated || u.Prompt != logged.PromptTokens || u.Completion != logged.CompletionTokens || logged.Outcome != llmsim.Finished):
			t.Errorf("finished: %+v, the vendor says %+v", u, logged)
		case u.Prompt < logged.PromptTokens || u.Completion < logged.CompletionTokens:
			t.Errorf("%s: %+v is less than the vendor's %+v", row.Failure, u, logged)
		case row.Failure != "" && u.Total() > 0 && !u.Estimated:
			t.Errorf("%s: %+v is not marked as estimated", row.Failure, u)
		}
	}
	for _, row := range rows { // a limit may have passed before the request left
		if row.Failure != string(llm.TimedOut) && row.Failure != string(llm.Cancelled) {
			t.Errorf("the vendor knows nothing of %+v", row)
		}
	}
	t.Logf("calls by how they ended: %v", kinds)
	for _, kind := range []llm.FailureKind{"", llm.RateLimited, llm.QuotaExhausted, llm.BadRequest, llm.Unavailable, llm.Cut, llm.InvalidReply, llm.TimedOut, llm.Cancelled} {
		if kinds[string(kind)] == 0 {
			t.Errorf("no call ended as %q: that was not compared", kind)
		}
	}
}
