package eval

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Desk is what own questions are put to: the product as a whole.
type Desk interface {
	Inspect(ctx context.Context, scope desk.Scope, question string, k int) (desk.Inspection, error)
	Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error)
}

// OwnConfig says how own questions are asked.
type OwnConfig struct {
	Name            string // of what is measured, for the report
	Scope           desk.Scope
	Provider, Model string          // as a caller may choose; empty: by route
	Concurrency     int             // questions at a time; at least 1
	Documents       []desk.Document // of the knowledge base
	// Asked, if set, is told how many askings have ended, of two a question; it
	// is safe for concurrent use.
	Asked func(n int)
}

// RunOwn puts every question to the desk twice, the second time for what the
// cache makes of it. It fails only when ctx ends: a question that fails is
// marked so.
func RunOwn(ctx context.Context, d Desk, set []Own, cfg OwnConfig) (OwnReport, error) {
	r := &run{desk: d, cfg: cfg, names: map[desk.DocumentID]string{}}
	for _, doc := range cfg.Documents {
		r.names[doc.ID] = doc.Path
	}
	marks := make([]Mark, len(set))
	for _, round := range []func(context.Context, Own, *Mark){r.first, r.second} {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, cfg.Concurrency))
		for i := range set {
			g.Go(func() error {
				round(ctx, set[i], &marks[i])
				r.count()
				return ctx.Err()
			})
		}
		if err := g.Wait(); err != nil {
			return OwnReport{}, err
		}
	}
	return newOwnReport(cfg, marks), nil
}

// run is one measurement under way.
type run struct {
	desk  Desk
	cfg   OwnConfig
	names map[desk.DocumentID]string
	asked atomic.Int64
}

func (r *run) count() {
	if n := r.asked.Add(1); r.cfg.Asked != nil {
		r.cfg.Asked(int(n))
	}
}

func (r *run) first(ctx context.Context, q Own, m *Mark) {
	m.ID, m.Question, m.Lang, m.Expected = q.ID, q.Text, lang.Of(q.Text), r.expected(q)
	start := time.Now()
	in, err := r.desk.Inspect(ctx, r.cfg.Scope, q.Text, depth)
	m.SearchMS = sinceMS(start)
	if err != nil {
		m.fail(err)
		return
	}
	q.rank(in.Hits, m)
	start = time.Now()
	a, err := r.ask(ctx, q)
	m.LatencyMS = sinceMS(start)
	if err != nil {
		m.fail(err)
		return
	}
	m.Answer, m.Outcome, m.Cache = string(a.Text), a.Outcome, a.CacheTier
	m.Route, m.Reason, m.Provider, m.Model = a.Route.Kind, a.Route.Reason, a.Provider, a.Model
	if a.CacheTier == "" {
		m.Tokens, m.CostUSD = a.Usage.Total(), a.Cost.USD()
	}
	r.cite(q, a, m)
	m.Verdict = q.verdict(a, m)
}

// second asks again; whoever failed before is not asked.
func (r *run) second(ctx context.Context, q Own, m *Mark) {
	if m.Verdict == Failed {
		return
	}
	start := time.Now()
	a, err := r.ask(ctx, q)
	if err != nil {
		return // the first answer counts
	}
	m.Again, m.AgainMS = a.CacheTier, sinceMS(start)
	if a.CacheTier == "" {
		m.again = a.Cost.USD()
	}
}

func (r *run) ask(ctx context.Context, q Own) (desk.Answer, error) {
	ask := desk.Ask{Scope: r.cfg.Scope, Text: q.Text, Provider: r.cfg.Provider, Model: r.cfg.Model}
	return r.desk.Answer(ctx, ask, func(desk.Event) error { return nil })
}

func sinceMS(start time.Time) float64 {
	return round(float64(time.Since(start)) / float64(time.Millisecond))
}
