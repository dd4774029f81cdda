package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/grounding"
	"kefu/internal/knowledge"
	"kefu/internal/llm"
	"kefu/internal/mask"
	"kefu/internal/tool"
)

// compose is the whole path of a question that the cache cannot answer, under the
// one allowance (attempts, money, deadline) of its answer. If the same question
// was answered in other words, the path ends behind the guard, with that answer.
// open holds the personal data of the asker and of tools, and is nil unless tools
// are used.
func (s *Service) compose(ctx context.Context, q desk.Question, view *knowledge.View, at shelf, open *mask.Open, emit desk.Emit) (desk.Answer, error) {
	q.Topic = s.topic(q)
	tr := &desk.Trace{Revision: view.Revision(), Cache: cache.Miss, Topic: q.Topic}
	if q.Alone {
		tr.Cache = cache.Bypass
	}
	a := desk.Answer{ID: q.ID, Lang: q.Lang, Conversation: q.Conversation, Trace: tr, Basis: desk.Basis{Revision: view.Revision()}}
	if wantsPerson(string(q.Text)) {
		a.Route = desk.Route{Kind: desk.Simple, Reason: "person_requested", Confidence: 1}
		return s.finish(q, at, s.handOff(a, desk.HandoffRequested, true), false, emit)
	}
	switch s.guarded(q, tr) {
	case desk.Refuse:
		a.Route = desk.Route{Kind: desk.Simple, Reason: reasonGuarded, Confidence: 1}
		return s.finish(q, at, s.handOff(a, desk.HandoffGuarded, false), false, emit)
	case desk.Care:
		q, open = carefully(q), nil
	}
	at.kin = s.kin(q)
	if a, ok := s.near(q, at, view); ok {
		return a, replay(a, false, emit)
	}
	place, err := s.Gate.Enter(ctx, q.Scope.Tenant, q.Batch)
	if err != nil {
		return desk.Answer{}, crowded(q, err)
	}
	defer place.Leave()
	if place.Waited > 0 {
		tr.Stages = append(tr.Stages, desk.Stage{Name: "queue", Duration: place.Waited})
	}

	grant := llm.Grant{Answer: q.ID, Tenant: q.Scope.Tenant, Attempts: s.cfg.Attempts}
	grant.Deadline, _ = ctx.Deadline()
	if open != nil {
		grant.Attempts = cmp.Or(s.cfg.ToolAttempts, 10)
	}
	r := s.route(q, tr)
	allowance, hold, err := s.allowance(ctx, &q, r, grant)
	if err != nil {
		return desk.Answer{}, err
	}
	defer func() { hold.Settle(ctx, spentOf(allowance)) }()
	if len(q.Earlier) > 0 {
		q.Text = s.standAlone(ctx, q, view, allowance, tr)
		tr.Standalone = q.Text
	}
	var d draft
	if open != nil {
		d, err = s.act(ctx, q, r, view, open, allowance, tr, emit)
	} else {
		d, err = s.draft(ctx, q, r, view, allowance, tr, emit)
	}
	if err != nil {
		return desk.Answer{}, err
	}
	a.Route = d.route
	a.Provider, a.Model, a.Degraded = d.provider, d.model, d.degraded
	tr.Attempts, tr.Decisions = allowance.Attempts(), allowance.Decisions()
	for _, at := range tr.Attempts {
		a.Usage = a.Usage.Plus(at.Usage)
		a.Cost += at.Cost
	}
	judged := s.judge(q, a, d)
	judged.clean = judged.clean && !d.care && !tr.ByWords // later askers get an answer by vectors too
	return s.finish(q, at, judged, d.told, emit)
}

// result is an answer as the customer is told it.
type result struct {
	answer desk.Answer
	clean  bool // may be given to others who ask the same
}

// finish records, caches and emits an answer. If it was told while it was
// composed, only the rest is emitted.
func (s *Service) finish(q desk.Question, at shelf, r result, told bool, emit desk.Emit) (desk.Answer, error) {
	a := r.answer
	a.Latency = time.Since(q.Asked)
	if q.Ahead && (q.Cheaper || !r.clean || !shareable(a)) {
		return a, nil // nobody waits for it, and it is no better than what the cache has
	}
	s.Recorder.Record(q, a)
	if a.Handoff != nil {
		s.Observer.HandedOff(a.Handoff.Reason)
		if s.Notifier != nil {
			s.Notifier.HandedOff(q, a)
		}
	}
	s.keep(q, at, a, r.clean)
	return a, replay(a, told, emit)
}

// reasonGuarded is the reason of a route whose question the guard refused.
const reasonGuarded = "guarded"

// route decides how to answer. The caller's choice comes before the router's, but
// a pleasantry stays one, since there is nothing to search for.
func (s *Service) route(q desk.Question, tr *desk.Trace) desk.Route {
	start := time.Now()
	var r desk.Route
	if q.Tools != nil {
		r = *q.Tools
	} else {
		r = s.Router.Decide(string(q.Text))
	}
	if q.Route != "" {
		r.Kind, r.Reason, r.Confidence = q.Route, desk.RouteRequested, 1
	}
	s.Observer.Routed(r, time.Since(start))
	tr.Routes = append(tr.Routes, r)
	return r
}

// draft is what one route came up with.
type draft struct {
	route           desk.Route
	found           []desk.Passage // all that the search found
	sources         []desk.Passage // those of them that the model was shown
	verdict         grounding.Verdict
	text            string // as the model wrote it
	told            bool   // the text was streamed to the asker while it was made
	provider, model string
	degraded        bool
	acted           *tool.Outcome // nil: without tools
	leaked          string        // the rule by which it is held back; empty: it is not
	care            bool          // a source was flagged: the answer is not given to others
}

// weak tells whether the sources support nothing of what the draft says.
func (d draft) weak() bool { return d.leaked == "" && !d.route.Pleasantry && !d.verdict.Holds() }

// draft answers on the given route. If the sources support nothing of what the
// simple route says, and nothing was shown yet, the question goes on to the
// complex one, unless the caller chose the route.
func (s *Service) draft(ctx context.Context, q desk.Question, r desk.Route, view *knowledge.View, allowance *llm.Allowance, tr *desk.Trace, emit desk.Emit) (draft, error) {
	d, err := s.try(ctx, q, r, view, allowance, tr, emit)
	if err != nil || d.told || r.Kind != desk.Simple || q.Route != "" || !d.weak() {
		return d, err
	}
	r.Kind, r.Reason = desk.Complex, desk.RouteEscalated
	tr.Routes = append(tr.Routes, r)
	ungrounded := d
	if d, err = s.try(ctx, q, r, view, allowance, tr, emit); err == nil && ungrounded.verdict.Claims > 0 && d.model != "" {
		step := desk.Decision{
			Step: desk.StepFallback, Provider: ungrounded.provider, From: ungrounded.model, To: d.model, Reason: string(llm.Ungrounded),
		}
		allowance.Decided(step)
		s.Observer.Decided(ctx, step)
	}
	return d, err
}

// try answers on one route: ground, ask a model, verify.
func (s *Service) try(ctx context.Context, q desk.Question, r desk.Route, view *knowledge.View, allowance *llm.Allowance, tr *desk.Trace, emit desk.Emit) (draft, error) {
	d := draft{route: r}
	found, sources, err := s.ground(ctx, q, r, view, allowance, tr)
	if err != nil {
		return d, fmt.Errorf("ground: %w", err)
	}
	d.found, d.sources = found, sources
	if len(sources) == 0 && !r.Pleasantry {
		return d, nil // a model would have to invent something
	}
	if d.care = s.suspects(sources, tr); d.care {
		q = carefully(q)
	}
	start := time.Now()
	call := s.call(q, r, s.compress(ctx, q, r, sources, allowance, tr), allowance)
	call.Prompt.Doubtful = !r.Pleasantry && s.doubts(tr)
	reply, err := s.Models.Start(ctx, call)
	if err != nil {
		return d, fmt.Errorf("start: %w", err)
	}
	d.provider, d.model, d.degraded = reply.Provider, reply.Model, reply.Degraded
	out := output{Service: s, tenant: q.Scope.Tenant, question: string(q.Text), sources: sources, view: view}
	if q.Stream && !r.Pleasantry { // a pleasantry may have to be shortened, which a stream cannot be
		about := desk.Answer{ID: q.ID, Lang: q.Lang, Route: r, Provider: reply.Provider, Model: reply.Model, Conversation: q.Conversation}
		d.text, d.told, d.leaked, err = s.tell(reply, about, slices.Clone(tr.Guard), out, emit)
	} else if d.text, err = reply.Text(); err == nil {
		d.leaked = out.leaks(d.text)
		d.text = s.withoutLinks(d.text, sources)
	}
	if d.leaked != "" {
		s.hold(d.leaked, tr)
	}
	if err != nil {
		return d, fmt.Errorf("read reply: %w", err)
	}
	tr.Took("model", start)
	d.verify(tr)
	return d, nil
}

// verify compares what the draft says with its sources. A model that declines
// says nothing: its word for that may well stand in one of them.
func (d *draft) verify(tr *desk.Trace) {
	start := time.Now()
	if llm.Declines(d.text) {
		d.text = ""
	}
	d.text = grounding.Markers(d.text)
	d.verdict = grounding.Verify(d.text, d.sources)
	tr.Grounds, tr.Passages = d.verdict.Grounds, traced(d.sources, d.verdict)
	tr.Took("verify", start)
}

// judge turns a draft into what the customer is told.
func (s *Service) judge(q desk.Question, a desk.Answer, d draft) result {
	if d.acted != nil {
		return s.judgeActed(a, d)
	}
	switch {
	case d.leaked != "":
		return s.blocked(a, d)
	case d.route.Pleasantry:
		a.Text, a.Grounded, a.Outcome = desk.Masked(pleasant(d.text, a.Lang)), true, desk.Answered
		return result{a, true}
	case d.told && (d.weak() || d.verdict.Supported < d.verdict.Claims):
		// It was shown and cannot be taken back: the customer is told that it may be wrong.
		a.Text, a.Citations, a.Outcome = desk.Masked(d.text), d.verdict.Citations, desk.Abstained
		a.Handoff = &desk.Handoff{Reason: desk.HandoffUnverified, Contact: s.Contact(a.Lang)}
		return result{a, false}
	case d.weak():
		// That a model declined is kept until the knowledge base changes. If it cited
		// what its sources do not say, it is asked anew the next time.
		r := s.handOff(a, desk.HandoffNoAnswer, !d.verdict.Cited)
		r.answer.Handoff.Pages = s.pages(q, d.found, a.Trace)
		return r
	}
	return grounded(a, d)
}

// grounded is an answer that its sources support.
func grounded(a desk.Answer, d draft) result {
	a.Text, a.Citations, a.Grounded = desk.Masked(d.verdict.Text), d.verdict.Citations, true
	if d.told {
		a.Text = desk.Masked(d.text)
	}
	a.Outcome = desk.Answered
	if a.Degraded {
		a.Outcome = desk.Degraded
	}
	for _, c := range a.Citations {
		p := d.sources[c.Index-1]
		a.Basis.Sources = append(a.Basis.Sources, desk.BasisSource{Document: p.Document, Chunk: p.ID, Hash: p.Hash})
	}
	return result{a, true}
}

// handOff says that there is no answer and offers a person.
func (s *Service) handOff(a desk.Answer, reason desk.HandoffReason, clean bool) result {
	a.Handoff = &desk.Handoff{Reason: reason, Contact: s.Contact(a.Lang)}
	a.Text = desk.Masked(offered(reason, a.Lang))
	a.Outcome = desk.Abstained
	return result{a, clean}
}

// traced are the sources as the trace keeps them.
func traced(sources []desk.Passage, v grounding.Verdict) []desk.TracedPassage {
	out := make([]desk.TracedPassage, len(sources))
	for i, p := range sources {
		out[i] = desk.TracedPassage{Index: i + 1, Document: p.Document, Chunk: p.ID, Score: p.Score, Vector: p.Vector, Lexical: p.Lexical}
	}
	for _, c := range v.Citations {
		out[c.Index-1].Cited = true
	}
	return out
}
