package answer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kefu/internal/answer"
	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/retrieval"
)

const tenant = desk.DefaultTenant

// library is a knowledge.Source in memory.
type library struct {
	mu    sync.Mutex
	rev   desk.Revision
	items map[desk.DocumentID][]retrieval.Item
	gone  map[desk.DocumentID]desk.Revision
	lost  error // the source cannot be reached
	// vectors searches those of the items, which then only name them.
	vectors retrieval.Vectors
}

func newLibrary() *library {
	return &library{items: map[desk.DocumentID][]retrieval.Item{}, gone: map[desk.DocumentID]desk.Revision{}}
}

// publish replaces a document by one of the given texts.
func (l *library) publish(id desk.DocumentID, title string, texts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rev++
	items := make([]retrieval.Item, len(texts))
	for i, text := range texts {
		items[i] = retrieval.Item{Passage: desk.Passage{
			Chunk: desk.Chunk{ID: desk.ChunkID(string(id) + "#" + string(rune('0'+i))), Document: id, Ordinal: i, Text: text, Tokens: 40},
			Title: title, URL: "https://help.example.com/" + string(id), Kind: desk.Page, Hash: title + text, Revision: l.rev,
		}, Key: text}
	}
	l.items[id] = items
	delete(l.gone, id)
}

// curate publishes one question–answer pair.
func (l *library) curate(id desk.DocumentID, question, text string) {
	l.publish(id, "FAQ", text)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items[id][0].Question, l.items[id][0].Kind = question, desk.FAQ
}

// confide marks a document as local-only.
func (l *library) confide(id desk.DocumentID) {
	l.mark(id, func(c *desk.Chunk) { c.LocalOnly = true })
}

// flag marks a document as one that may speak to the assistant.
func (l *library) flag(id desk.DocumentID) { l.mark(id, func(c *desk.Chunk) { c.Flag = "override" }) }

func (l *library) mark(id desk.DocumentID, do func(*desk.Chunk)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.items[id] {
		do(&l.items[id][i].Chunk)
	}
}

func (l *library) remove(id desk.DocumentID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rev++
	delete(l.items, id)
	l.gone[id] = l.rev
}

func (l *library) Revision(context.Context) (desk.Revision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rev, nil
}

func (l *library) Vectors(desk.TenantID, string) retrieval.Vectors { return l.vectors }

func (l *library) Changes(_ context.Context, _ string, since desk.Revision) (knowledge.Delta, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost != nil {
		return knowledge.Delta{}, l.lost
	}
	d := knowledge.Delta{Revision: l.rev, Items: map[desk.TenantID][]retrieval.Item{}}
	for id, items := range l.items {
		if items[0].Revision > since {
			d.Changes = append(d.Changes, knowledge.Change{Tenant: tenant, Document: id, Revision: items[0].Revision})
			d.Items[tenant] = append(d.Items[tenant], items...)
		}
	}
	for id, rev := range l.gone {
		if rev > since {
			d.Changes = append(d.Changes, knowledge.Change{Tenant: tenant, Document: id, Removed: true, Revision: rev})
		}
	}
	return d, nil
}

func (l *library) Join(context.Context, string, desk.Revision, time.Duration) (int, error) {
	return 1, l.lost
}
func (l *library) Leave(context.Context, string) error             { return nil }
func (l *library) Wait(ctx context.Context, _ desk.Revision) error { <-ctx.Done(); return ctx.Err() }

// scripted is a model whose replies the test writes.
type scripted struct {
	mu    sync.Mutex
	calls []llm.Call
	reply func(c llm.Call) (string, error)
	hold  chan struct{} // nil: answer at once
	meter bool          // settle each call in its allowance
}

func (s *scripted) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	s.mu.Lock()
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return nil, &llm.Failure{Kind: llm.Cancelled, Err: ctx.Err()}
		}
	}
	text, err := s.reply(c)
	if s.meter {
		at, beginErr := c.Allowance.Begin(ctx, llm.Intent{Provider: "fake", Model: "fake-1", Purpose: c.Purpose, Worst: 100, Priced: true})
		if beginErr != nil {
			return nil, beginErr
		}
		at.End(desk.Usage{Prompt: 100, Completion: 20}, 42, len(text), err)
	}
	if err != nil {
		return nil, err
	}
	r := llm.WholeReply(text, desk.Usage{Prompt: 100, Completion: 20})
	r.Provider, r.Model = "fake", "fake-1"
	return r, nil
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func (s *scripted) all() []llm.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *scripted) last() llm.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[len(s.calls)-1]
}

// quoting answers with the first sentence of the first source.
func quoting(c llm.Call) (string, error) {
	if len(c.Prompt.Sources) == 0 {
		return "Hello there! How can I help you?", nil
	}
	return c.Prompt.Sources[0].Text + " [1]", nil
}

type flatEmbedder struct{ err error }

func (e flatEmbedder) Model() string { return "flat" }
func (e flatEmbedder) Embed(_ context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	if e.err != nil {
		return llm.Embeddings{}, e.err
	}
	out := llm.Embeddings{Vectors: make([][]float32, len(c.Texts))}
	for i := range out.Vectors {
		out.Vectors[i] = []float32{1, 0, 0, 0}
	}
	return out, nil
}

type fixedRoute struct{ desk.Route }

func (r fixedRoute) Decide(string) desk.Route { return r.Route }
func (fixedRoute) Version() string            { return "test" }

var (
	simple  = fixedRoute{desk.Route{Kind: desk.Simple, Reason: "test", Confidence: 1}}
	complex = fixedRoute{desk.Route{Kind: desk.Complex, Reason: "test", Confidence: 1}}
	hello   = fixedRoute{desk.Route{Kind: desk.Simple, Reason: "pleasantry", Confidence: 1, Pleasantry: true}}
)

// journal is every recording part at once.
type journal struct {
	mu       sync.Mutex
	recorded []desk.Answer
	asked    []desk.Question
	outcomes []desk.Outcome
	handoffs int
	saved    desk.MicroUSD
	ended    []desk.Attempt
	lost     []string // without what passages were found
	nearest  []string // results with similarities
	renewed  []string
	verdicts []desk.Verdict
}

func (j *journal) do(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
}

func (j *journal) Record(q desk.Question, a desk.Answer) {
	j.do(func() { j.recorded, j.asked = append(j.recorded, a), append(j.asked, q) })
}
func (j *journal) HandedOff(desk.Question, desk.Answer)      { j.do(func() { j.handoffs++ }) }
func (j *journal) Begin(context.Context, desk.Attempt) error { return nil }
func (j *journal) Note(desk.Attempt)                         {}
func (j *journal) End(a desk.Attempt)                        { j.do(func() { j.ended = append(j.ended, a) }) }

func (j *journal) Answered(_ desk.TenantID, a desk.Answer) {
	j.do(func() { j.outcomes = append(j.outcomes, a.Outcome) })
}
func (j *journal) CacheSaved(_ string, c desk.MicroUSD) { j.do(func() { j.saved += c }) }

// silent is the rest of answer.Observer.
type silent struct{ *journal }

func (silent) Decided(context.Context, desk.Decision)    {}
func (silent) Routed(desk.Route, time.Duration)          {}
func (silent) Retrieved(string, time.Duration)           {}
func (silent) RetrievedTop(float64, bool)                {}
func (silent) Compressed(string, int)                    {}
func (silent) CacheLookup(string, string, time.Duration) {}
func (silent) Dropped(string)                            {}
func (s silent) CacheNearest(result string, similarity float64) {
	s.do(func() { s.nearest = append(s.nearest, fmt.Sprintf("%s %.2f", result, similarity)) })
}

func (s silent) Renewed(trigger, result string) {
	s.do(func() { s.renewed = append(s.renewed, trigger+" "+result) })
}
func (silent) HandedOff(desk.HandoffReason) {}
func (s silent) ByWords(_ context.Context, lost string, _ error) {
	s.do(func() { s.lost = append(s.lost, lost) })
}
func (silent) TurnLost(context.Context, error) {}
func (s silent) Guarded(v desk.Verdict)        { s.do(func() { s.verdicts = append(s.verdicts, v) }) }

type shop struct {
	*answer.Service
	t         *testing.T
	library   *library
	knowledge *knowledge.Knowledge
	model     *scripted
	journal   *journal
}

// open returns a service over a small help centre.
func open(t *testing.T, router answer.Router, change ...func(*answer.Config, *answer.Parts)) *shop {
	t.Helper()
	s := &shop{t: t, library: newLibrary(), model: &scripted{reply: quoting, meter: true}, journal: &journal{}}
	s.library.publish("returns", "Returns", "You can return most items within 30 days of delivery.", "Gift cards cannot be returned.")
	s.library.publish("shipping", "Shipping", "Standard shipping costs $4.90 and takes 3 to 5 working days.")
	s.library.publish("zh-returns", "退货说明", "大部分商品签收后 30 天内可以退货。")
	s.knowledge = knowledge.New(s.library, "flat", retrieval.DefaultConfig())
	s.catchUp()
	cfg := answer.Config{Deadline: time.Minute, Attempts: 4, MinPassages: 3, MaxPassages: 5, PromptTokens: 3000, MaxTokens: 800, MaxQuestion: 4000}
	parts := answer.Parts{
		Knowledge: s.knowledge, Cache: memory(t, true, 0), Router: router, Models: s.model, Embedder: flatEmbedder{}, Ledger: s.journal,
		Recorder: s.journal, Notifier: s.journal, Observer: silent{s.journal}, Masker: mask.New(),
		Contact: func(l desk.Lang) desk.Contact {
			return desk.Contact{Email: "help@example.com", Message: "write to us (" + string(l) + ")"}
		},
	}
	for _, f := range change {
		f(&cfg, &parts)
	}
	s.Service = answer.New(cfg, parts)
	t.Cleanup(s.Wait)
	return s
}

// memory returns a running cache without Redis, whose answers are old in the
// last share refresh of their life.
func memory(t *testing.T, semantic bool, refresh float64) *cache.Cache {
	t.Helper()
	memory, err := cache.New(cache.Config{MemoryEntries: 100, MemoryTTL: time.Hour, Semantic: semantic, Refresh: refresh}, nil, silent{&journal{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = memory.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return memory
}

func (s *shop) catchUp() {
	s.t.Helper()
	if err := s.knowledge.CatchUp(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) ask(question string) desk.Answer {
	s.t.Helper()
	a, err := s.Answer(s.t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: question}, desk.Discard)
	if err != nil {
		s.t.Fatalf("%q: %v", question, err)
	}
	return a
}
