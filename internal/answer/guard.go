package answer

import (
	"iter"
	"slices"

	"kefu/internal/desk"
)

// Guard looks for texts that may be an attack on the model.
type Guard interface {
	// Judge judges what a customer wrote.
	Judge(text string) desk.Verdict
	// Document judges a passage of the knowledge base.
	Document(text string) desk.Verdict
}

// What a verdict is about (desk.Verdict.Stage).
const (
	stageQuestion = "question"
	stageSource   = "source"
	stageAnswer   = "answer"
)

// guarded judges a question that the cache could not answer. Questions that it
// answers were judged when their answer was composed: equal questions have equal
// keys, and answers given with care are not kept.
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

// suspects tells whether an answer that rests on sources must be given with care,
// because the guard flagged one of them when it was loaded.
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

// guardEvents tell the asker what was done, but not by which rule: that is for
// operators alone.
func guardEvents(verdicts []desk.Verdict) iter.Seq[desk.Event] {
	return func(yield func(desk.Event) bool) {
		for _, v := range verdicts {
			if v.Enforced && !yield(desk.Event{Type: desk.EventGuard, Verdict: &desk.Verdict{Stage: v.Stage, Action: v.Action, Enforced: true}}) {
				return
			}
		}
	}
}

// verdicts are those on an answer that its asker was not told yet. Where it was
// streamed, these are the verdicts on the answer itself: the others went first.
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

// carefully returns q with care: it is answered without tools, and the answer is
// for its asker alone.
func carefully(q desk.Question) desk.Question {
	q.Care, q.Tools = true, nil
	return q
}
