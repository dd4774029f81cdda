package answer

import (
	"context"
	"errors"
	"sync"
	"time"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/mask"
)

const (
	// aheadAtOnce is how many answers are composed ahead at a time, aheadMost how
	// many may wait for that. Others are composed when somebody asks.
	aheadAtOnce = 2
	aheadMost   = 256
)

// Why an answer is composed ahead, a closed set for metrics.
const (
	RenewAge     = "age"     // its life in the cache is nearly over
	RenewRelease = "release" // a release or a change of settings made it invalid
)

// What became of it, a closed set for metrics.
const (
	Renewed     = "renewed"
	RenewKept   = "kept"   // left as it was: new enough, renewed by another replica, too much to do, or nothing better came
	RenewBudget = "budget" // a budget is nearly used up: what is left is for those who ask
	RenewFailed = "failed" // it could not be composed
)

// renewal is a question to compose ahead.
type renewal struct {
	question desk.Question
	trigger  string
}

// Run composes answers ahead, two at a time, until ctx ends. Without it, every
// answer is composed when somebody asks.
func (s *Service) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range aheadAtOnce {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case r := <-s.ahead:
					s.Observer.Renewed(r.trigger, s.renew(ctx, r.question))
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// renewSoon has the answer to q composed anew in the background, on behalf of the
// tenant. It never blocks: if too many wait, the answer is kept.
func (s *Service) renewSoon(q desk.Question) {
	select {
	case s.ahead <- renewal{unasked(q), RenewAge}:
	default:
		s.Observer.Renewed(RenewAge, RenewKept)
	}
}

// unasked is the same question, asked by no user: its answer is for the cache.
func unasked(q desk.Question) desk.Question {
	return desk.Question{
		Scope: desk.Scope{Tenant: q.Scope.Tenant}, Text: q.Text, Lang: q.Lang, Model: q.Model, Provider: q.Provider, Route: q.Route, Ahead: true, Batch: true,
	}
}

// Warm has the answer to a question composed in the background unless the cache
// has one. It waits while too many answers wait; the only error is that ctx ended.
// Questions whose answers are for their asker alone are passed over.
func (s *Service) Warm(ctx context.Context, tenant desk.TenantID, question desk.Masked) error {
	q, _, err := s.screen(desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: string(question)})
	if err == nil {
		err = s.needsTools(&q)
	}
	if err != nil || q.Alone || mask.Placeholder.MatchString(string(question)) {
		return nil // its answer would not be shared
	}
	select {
	case s.ahead <- renewal{unasked(q), RenewRelease}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew composes the answer to q anew, unless the cache has one that is new
// enough, and returns what became of it: Renewed, RenewKept, RenewBudget or
// RenewFailed.
func (s *Service) renew(ctx context.Context, q desk.Question) string {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Deadline)
	defer cancel()
	if !s.Knowledge.Fresh() {
		return RenewKept // a publish may have been missed
	}
	view := s.Knowledge.View(q.Scope.Tenant)
	at := shelf{key: s.key(q, lang.Normalise(string(q.Text)))} // not fresh: the cached answer is the one to be renewed
	if s.Cache.Renewed(ctx, at.key, func(a desk.Answer) bool { return view.Holds(a.Basis, q.Text) }) {
		return RenewKept
	}
	if s.Budgets != nil && s.Budgets.Near(ctx, q.Scope.Tenant) {
		return RenewBudget
	}
	if !s.Cache.Claim(ctx, at.key) {
		return RenewKept
	}
	q.ID, q.Asked = desk.NewAnswerID(), time.Now()
	a, err := protect(ctx, desk.Discard, func(ctx context.Context, emit desk.Emit) (desk.Answer, error) {
		return s.compose(ctx, q, view, at, nil, emit)
	})
	refused, _ := errors.AsType[*desk.Error](err)
	switch {
	case refused != nil && refused.Kind == desk.Overloaded:
		return RenewKept
	case err != nil:
		return RenewFailed
	case !shareable(a):
		return RenewKept
	}
	return Renewed
}
