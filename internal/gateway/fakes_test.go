package gateway

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a provider that answers as its script says: one outcome a call, the
// last one for ever.
type fake struct {
	mu     sync.Mutex
	calls  []llm.Call
	script []outcome
}

// outcome is how a call goes: after a wait, an error or deltas and then end.
type outcome struct {
	err    error
	after  time.Duration
	deltas []string
	pause  time.Duration // before each delta but the first
	end    error         // nil: io.EOF
	usage  desk.Usage
}

func answers(text string) outcome {
	return outcome{deltas: []string{text}, usage: desk.Usage{Prompt: 10, Completion: 5}}
}

func fails(kind llm.FailureKind) outcome { return outcome{err: &llm.Failure{Kind: kind}} }

func provider(script ...outcome) *fake { return &fake{script: script} }

func (f *fake) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	f.mu.Lock()
	o := f.script[min(len(f.calls), len(f.script)-1)]
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if err := wait(ctx, o.after); err != nil {
		return nil, err
	}
	if o.err != nil {
		return nil, o.err
	}
	if !c.Stream {
		return llm.WholeReply(o.deltas[0], o.usage), nil
	}
	return llm.NewReply(llm.Delta{Text: o.deltas[0]}, &fakeStream{ctx: ctx, outcome: o, next: 1}), nil
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

// wait translates the context's end as an adapter does.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	if d > 0 {
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	switch ctx.Err() {
	case nil:
		return nil
	case context.Canceled:
		return &llm.Failure{Kind: llm.Cancelled, Err: ctx.Err()}
	default:
		return &llm.Failure{Kind: llm.TimedOut, Err: ctx.Err()}
	}
}

type fakeStream struct {
	ctx     context.Context
	outcome outcome
	next    int
	closed  int
}

func (s *fakeStream) Next() (llm.Delta, error) {
	if err := wait(s.ctx, s.outcome.pause); err != nil {
		return llm.Delta{}, err
	}
	if s.next < len(s.outcome.deltas) {
		s.next++
		return llm.Delta{Text: s.outcome.deltas[s.next-1]}, nil
	}
	if s.outcome.end != nil {
		return llm.Delta{}, s.outcome.end
	}
	return llm.Delta{}, io.EOF
}
func (s *fakeStream) Usage() desk.Usage { return s.outcome.usage }
func (s *fakeStream) Close() error      { s.closed++; return nil }

// recorder is an Observer and a Ledger that remembers.
type recorder struct {
	mu       sync.Mutex
	events   []string
	gaps     []time.Duration // between deltas
	attempts []desk.Attempt  // as observed
	begun    []desk.Attempt  // as the ledger saw them
	ended    []desk.Attempt
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) Attempt(ctx context.Context, _, _ string, _ desk.Purpose) (context.Context, func(desk.Attempt)) {
	return ctx, func(a desk.Attempt) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.attempts = append(r.attempts, a)
	}
}

func (r *recorder) FirstDelta(model string, after time.Duration) {
	r.note("first delta %s %s", model, after)
}

func (r *recorder) NextDelta(_ string, after time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gaps = append(r.gaps, after)
}

func (r *recorder) Decided(_ context.Context, d desk.Decision) {
	if d.Step == desk.StepFallback {
		r.note("fallback %s %s %s", d.From, d.To, d.Reason)
		return
	}
	r.note("%s %s %s", d.Step, d.Provider, d.Reason)
}

func (r *recorder) Breaker(_, model string, _ int, state string) {
	r.note("breaker %s %s", model, state)
}

func (r *recorder) Begin(_ context.Context, a desk.Attempt) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = append(r.begun, a)
	return nil
}

func (r *recorder) Note(a desk.Attempt) { _ = r.Begin(context.Background(), a) }

func (r *recorder) End(a desk.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, a)
}

// heard lists the events but the breakers' first ones.
func (r *recorder) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	closed := map[string]bool{}
	for _, e := range r.events {
		var model string
		if n, _ := fmt.Sscanf(e, "breaker %s closed", &model); n == 1 && !closed[model] {
			closed[model] = true
			continue
		}
		out = append(out, e)
	}
	return out
}

func prices(t testing.TB) *price.Table {
	t.Helper()
	table, err := price.Default()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// Models of the tests; the first two have prices.
const (
	small = "gpt-4o-mini"
	large = "gpt-6.1-terra"
	third = "house-model"
)

func paid(provider, model string, p llm.Provider) Target {
	return Target{Provider: provider, Model: model, Deployments: []Deployment{{Adapter: p}}}
}

func offline(p llm.Provider) Target {
	return Target{Provider: "offline", Model: "extractive", Deployments: []Deployment{{Adapter: p}}, LastResort: true}
}

// gatewayOf builds a gateway with one cheap chain.
func gatewayOf(t testing.TB, r *recorder, targets ...Target) *Gateway {
	t.Helper()
	return New(Config{Prices: prices(t)}, map[llm.Tier][]Target{llm.Cheap: targets}, r)
}

// grant is an ordinary allowance: four attempts, no budget.
func grant(r *recorder, change ...func(*llm.Grant)) *llm.Allowance {
	g := llm.Grant{Answer: "ans_1", Tenant: "t", Attempts: 4}
	for _, f := range change {
		f(&g)
	}
	return llm.NewAllowance(g, r)
}

func within(d time.Duration) func(*llm.Grant) {
	return func(g *llm.Grant) { g.Deadline = time.Now().Add(d) }
}

func question(a *llm.Allowance) llm.Call {
	return llm.Call{
		Tier: llm.Cheap, Purpose: desk.PurposeAnswer, Allowance: a,
		Prompt: llm.Prompt{System: "Answer.", Question: "Where is my parcel?", Lang: desk.English},
	}
}

// mustText starts a call and reads its reply.
func mustText(t *testing.T, g *Gateway, c llm.Call) (*llm.Reply, string) {
	t.Helper()
	reply, err := g.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("Start = %v", err)
	}
	text, err := reply.Text()
	if err != nil {
		t.Fatalf("Text = %v", err)
	}
	return reply, text
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
