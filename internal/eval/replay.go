package eval

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"

	"kefu/internal/desk"
)

// Replayed is what became of one recorded question when it was asked again.
type Replayed struct {
	Answer   desk.AnswerID `json:"answer_id"`
	Question desk.Masked   `json:"question"`
	// Changes names what is not as it was: outcome, route, model, citations or
	// text. Empty: nothing.
	Changes []string `json:"changes"`
	Before  Played   `json:"before"`
	After   *Played  `json:"after"` // nil: it could not be asked
	Error   string   `json:"error,omitempty"`
}

// Played is an answer by what a replay compares.
type Played struct {
	Outcome   desk.Outcome      `json:"outcome"`
	Route     desk.RouteKind    `json:"route"`
	Provider  string            `json:"provider"`
	Model     string            `json:"model"`
	Cited     []desk.DocumentID `json:"cited"` // sorted, each once
	Revision  desk.Revision     `json:"revision"`
	Text      desk.Masked       `json:"answer"`
	CostUSD   float64           `json:"cost_usd"`
	LatencyMS float64           `json:"latency_ms"`
}

// Replay compares recorded answers with those that their questions get now.
type Replay struct {
	Same    int        `json:"same"`
	Changed int        `json:"changed"`
	Failed  int        `json:"failed"`
	Before  ReplaySums `json:"before"` // of those that were answered again
	After   ReplaySums `json:"after"`
	Results []Replayed `json:"results"` // in the order of the records
}

// ReplaySums are the figures of one side.
type ReplaySums struct {
	Answered int     `json:"answered"` // with support
	CostUSD  float64 `json:"cost_usd"`
}

// Replayable tells whether the question of a record can be asked again as it
// was: its answer was composed, and used no tool, whose data is of its moment.
func Replayable(r desk.Record) bool {
	a := r.Answer
	return a.CacheTier == "" && a.Outcome != desk.ErrOutcome && a.Outcome != desk.Waiting && (a.Trace == nil || len(a.Trace.Tools) == 0)
}

// RunReplay asks the questions of records again, as they were understood. It
// fails only when ctx ends.
func RunReplay(ctx context.Context, d Desk, records []desk.Record, cfg OwnConfig) (Replay, error) {
	r := &run{desk: d, cfg: cfg}
	results := make([]Replayed, len(records))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, cfg.Concurrency))
	for i := range records {
		g.Go(func() error {
			results[i] = r.replay(ctx, records[i])
			r.count()
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return Replay{}, err
	}
	return newReplay(results), nil
}

func (r *run) replay(ctx context.Context, record desk.Record) Replayed {
	q := Own{Text: string(record.Question.Text)}
	if t := record.Answer.Trace; t != nil && t.Standalone != "" {
		q.Text = string(t.Standalone)
	}
	done := Replayed{Answer: record.Answer.ID, Question: desk.Masked(q.Text), Changes: []string{}, Before: newPlayed(record.Answer)}
	a, err := r.ask(ctx, q)
	if err != nil {
		var m Mark
		m.fail(err)
		done.Error = m.Error
		return done
	}
	after := newPlayed(a)
	done.After, done.Changes = &after, done.Before.changes(after)
	return done
}

func newPlayed(a desk.Answer) Played {
	p := Played{
		Outcome: a.Outcome, Route: a.Route.Kind, Provider: a.Provider, Model: a.Model, Cited: []desk.DocumentID{}, Text: a.Text,
		CostUSD: a.Cost.USD(), LatencyMS: round(float64(a.Latency.Microseconds()) / 1000),
	}
	for _, c := range a.Citations {
		p.Cited = append(p.Cited, c.Document)
	}
	slices.Sort(p.Cited)
	p.Cited = slices.Compact(p.Cited)
	if a.Trace != nil {
		p.Revision = a.Trace.Revision
	}
	return p
}

func (p Played) changes(now Played) []string {
	found := []string{}
	for _, of := range []struct {
		name string
		is   bool
	}{
		{"outcome", p.Outcome != now.Outcome},
		{"route", p.Route != now.Route},
		{"model", p.Provider != now.Provider || p.Model != now.Model},
		{"citations", !slices.Equal(p.Cited, now.Cited)},
		{"text", p.Text != now.Text},
	} {
		if of.is {
			found = append(found, of.name)
		}
	}
	return found
}

func newReplay(results []Replayed) Replay {
	r := Replay{Results: results}
	for _, one := range results {
		switch {
		case one.After == nil:
			r.Failed++
			continue
		case len(one.Changes) > 0:
			r.Changed++
		default:
			r.Same++
		}
		r.Before.add(one.Before)
		r.After.add(*one.After)
	}
	return r
}

func (s *ReplaySums) add(p Played) {
	s.CostUSD += p.CostUSD
	if p.Outcome == desk.Answered {
		s.Answered++
	}
}

// Table writes the replay for people: the sums, and each answer that is not as
// it was.
func (r Replay) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "the same\t%d\nchanged\t%d\nfailed\t%d\n", r.Same, r.Changed, r.Failed)
	fmt.Fprintf(t, "answered\t%d, was %d\n", r.After.Answered, r.Before.Answered)
	fmt.Fprintf(t, "cost\t$%.6f, was $%.6f\n", r.After.CostUSD, r.Before.CostUSD)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, one := range r.Results {
		switch {
		case one.After == nil:
			fmt.Fprintf(w, "\n%s  %s\n  failed: %s\n", one.Answer, one.Question, one.Error)
		case len(one.Changes) > 0:
			fmt.Fprintf(w, "\n%s  %s\n  changed: %v\n  before: %s\n  now:    %s\n", one.Answer, one.Question, one.Changes, one.Before.summary(), one.After.summary())
		}
	}
	return nil
}

func (p Played) summary() string {
	return fmt.Sprintf("%s, %s, %s, release %d, cites %v, %.1f ms, $%.6f", p.Outcome, p.Route, p.Model, p.Revision, p.Cited, p.LatencyMS, p.CostUSD)
}
