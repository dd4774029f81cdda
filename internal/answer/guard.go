package answer

import (
	"iter"
	"slices"

	"kefu/internal/desk"
)

// Guard judges what a customer wrote.
type Guard interface {
	Judge(text string) desk.Verdict
	// Document judges a passage of the knowledge base.
	Document(text string) desk.Verdict
}

// Stages of a verdict.
const (
	stageQuestion = "question"
	stageSource   = "source"
	stageAnswer   = "answer"
)

// guarded judges a question that no cache could answer: what the cache holds
// was judged when it was composed, since equal questions have one key, and what
// was answered with care is not kept.
func (s *Service) guarded(q desk.Question, tr *desk.Trace) desk.Action {
	if s.Guard == nil {
		return desk.Allow
	}
	v := s.Guard.Judge(string(q.Text))
	v.Stage = stageQuestion
	s.Observer.Guarded(v)
	if v.Action == desk.Allow {
		return v.Action
	}
	v.Enforced = !s.cfg.GuardShadow
	tr.Guard = append(tr.Guard, v)
	if !v.Enforced {
		return desk.Allow
	}
	return v.Action
}

// suspects tells whether an answer that rests on sources must be given with
// care, because one was flagged when it was loaded.
func (s *Service) suspects(sources []desk.Passage, tr *desk.Trace) bool {
	i := slices.IndexFunc(sources, flagged)
	if s.Guard == nil || i < 0 {
		return false
	}
	v := desk.Verdict{Action: desk.Care, Rule: sources[i].Flag, Stage: stageSource, Enforced: !s.cfg.GuardShadow}
	tr.Guard = append(tr.Guard, v)
	s.Observer.Guarded(v)
	return v.Enforced
}

func flagged(p desk.Passage) bool { return p.Flag != "" }

// guardEvents tell those who listen what was done, not by which rule: that is
// for the operator.
func guardEvents(verdicts []desk.Verdict) iter.Seq[desk.Event] {
	return func(yield func(desk.Event) bool) {
		for _, v := range verdicts {
			if v.Enforced && !yield(desk.Event{Type: desk.EventGuard, Verdict: &desk.Verdict{Stage: v.Stage, Action: v.Action, Enforced: true}}) {
				return
			}
		}
	}
}

// verdicts are those on an answer that were not told yet: where it was streamed,
// those on what was said.
func verdicts(a *desk.Answer, told bool) []desk.Verdict {
	switch {
	case a.Trace == nil: // from the cache
		return nil
	case !told:
		return a.Trace.Guard
	}
	i := slices.IndexFunc(a.Trace.Guard, func(v desk.Verdict) bool { return v.Stage == stageAnswer })
	if i < 0 {
		return nil
	}
	return a.Trace.Guard[i:]
}

// carefully is q as it is answered with care: without tools, for its asker
// alone.
func carefully(q desk.Question) desk.Question {
	q.Care, q.Tools = true, nil
	return q
}
