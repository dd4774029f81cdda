package answer

import (
	"context"
	"strings"
	"sync"
	"time"

	"kefu/internal/cache"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/lang"
	"kefu/internal/match"
)

// shelf is the place of an answer in the cache.
type shelf struct {
	key   cache.Key
	kin   cache.Kin // by which nearly the same questions find it
	fresh bool      // this replica is up to date, and so may trust cached answers
}

// key identifies the answers to what is asked, whatever the state of the
// knowledge base.
func (s *Service) key(q desk.Question, asked string) cache.Key {
	return cache.NewKey(q.Scope, asked, string(q.Lang), q.Model, q.Provider, string(q.Route), s.fingerprint)
}

// kin is what nearly the same questions find the answer to q by; the zero Kin for
// a question whose answer is not shared. The numbers are part of its scope, since
// questions with other numbers are never the same.
func (s *Service) kin(q desk.Question) cache.Kin {
	if q.Alone || q.Care || !s.Cache.Relates() {
		return cache.Kin{}
	}
	text := string(q.Text)
	return cache.Kin{
		Scope:    s.key(q, strings.Join(lang.Numbers(text), " ")),
		Question: text,
		Terms:    lang.ContentTerms(text),
	}
}

// cached finds an answer to q that still holds in the pinned view, and admits the
// asker. The only error is admit's.
func (s *Service) cached(ctx context.Context, q desk.Question, at shelf, view *knowledge.View, admit desk.Admit) (a desk.Answer, hit bool, err error) {
	if q.Alone || !at.fresh {
		s.Observer.CacheLookup(desk.TierMemory, cache.Bypass, 0)
		_, err = admit.Enter(ctx, "")
		return desk.Answer{}, false, err
	}
	a, tier, err := s.Cache.Get(ctx, at.key, func(a desk.Answer) bool { return view.Holds(a.Basis, q.Text) }, admit)
	if tier == "" {
		return desk.Answer{}, false, err
	}
	if tier == desk.TierRedis && shareable(a) { // now it is in memory too
		s.Cache.Relate(at.key, s.kin(q))
	}
	if s.Cache.Due(at.key, a, q.Asked) {
		s.renewSoon(q)
	}
	s.Observer.CacheSaved(tier, a.Cost)
	a.CacheTier = tier
	return a, true, nil
}

// near finds the answer to another question that differs from q by its wording
// alone. It must hold for q too: a page published since may be about a word that
// only q has.
func (s *Service) near(q desk.Question, at shelf, view *knowledge.View) (desk.Answer, bool) {
	if !at.fresh {
		return desk.Answer{}, false
	}
	asked := sync.OnceValue(func() match.Question { return match.Read(string(q.Text)) })
	var best nearest
	a, ok := s.Cache.Near(at.kin, func(other string) bool {
		similarity, same := asked().Same(s.questions.Read(other))
		best.see(similarity, same)
		return same
	}, func(a desk.Answer) bool {
		holds := view.Holds(a.Basis, q.Text)
		if !holds {
			best.result = nearStale
		}
		return holds
	})
	if best.result != "" {
		s.Observer.CacheNearest(best.result, best.similarity)
	}
	if !ok {
		return desk.Answer{}, false
	}
	s.Observer.CacheSaved(desk.TierSemantic, a.Cost)
	a.CacheTier = desk.TierSemantic
	return a, true
}

// What became of the nearest question, a closed set for metrics.
const (
	nearHit    = "hit"
	nearFar    = "far"    // not similar enough
	nearVetoed = "vetoed" // similar enough, but something sets the two apart
	nearStale  = "stale"  // the same, but its answer no longer holds
)

// nearest is, of the questions compared so far, the one most similar to q.
type nearest struct {
	similarity float64 // from 0 to 1
	result     string  // what became of it; empty: none was compared yet
}

// see takes one more question into account. One that is the same always counts,
// since it ends the search unless its answer turns out to be stale.
func (n *nearest) see(similarity float64, same bool) {
	if !same && n.result != "" && similarity <= n.similarity {
		return
	}
	n.similarity, n.result = similarity, nearFar
	switch {
	case same:
		n.result = nearHit
	case similarity >= match.Threshold:
		n.result = nearVetoed
	}
}

// shareable tells whether other wordings of the question may be given the answer:
// only one that sources support. Where this wording found nothing, another may.
func shareable(a desk.Answer) bool {
	return a.Outcome == desk.Answered && a.Handoff == nil && len(a.Basis.Sources) > 0
}

// justLanded finds the answer of a flight that ended after the cache was looked
// into and before the next flight began.
func (s *Service) justLanded(q desk.Question, at shelf, view *knowledge.View) (desk.Answer, bool) {
	if q.Alone || !at.fresh {
		return desk.Answer{}, false
	}
	a, ok := s.Cache.Peek(at.key, func(a desk.Answer) bool { return view.Holds(a.Basis, q.Text) })
	a.CacheTier = desk.TierMemory
	return a, ok
}

// keep caches an answer that others may be given. That is none which depends on
// its asker, was degraded or made cheaper, given with care, or not clean.
func (s *Service) keep(q desk.Question, at shelf, a desk.Answer, clean bool) {
	if q.Alone || !clean || a.Degraded || q.Cheaper || q.Care {
		return
	}
	a.Composed = time.Now()
	a.Trace = nil // explains this composition, and is recorded with it
	s.Cache.Put(at.key, a)
	if shareable(a) {
		s.Cache.Relate(at.key, at.kin)
	}
}
