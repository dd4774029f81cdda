package answer_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/admission"
	"kefu/internal/answer"
	"kefu/internal/desk"
)

type unseen struct{}

func (unseen) Refused(string)       {}
func (unseen) Waited(time.Duration) {}

func TestOnlyWhatHasToBeComposedIsRefusedInACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, complex, func(_ *answer.Config, p *answer.Parts) {
			p.Gate = admission.New(admission.Config{Concurrency: 1, Wait: time.Minute}, unseen{})
		})
		known := s.ask("How many days do I have to return an item?")
		s.model.hold = make(chan struct{})
		first := make(chan error, 1)
		go func() {
			_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "What does standard shipping cost?"}, desk.Discard)
			first <- err
		}()
		synctest.Wait() // the first has the only place
		second := make(chan error, 1)
		go func() { // the queue has room for one
			_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "How long does shipping take?"}, desk.Discard)
			second <- err
		}()
		synctest.Wait()
		if now := s.Gate.State(); now.Inside != 1 || now.Waiting != 1 {
			t.Fatalf("the gate = %+v, want one inside and one that waits", now)
		}

		for text, words := range map[string]string{
			"Can gift cards be returned?": "Many questions are coming in right now. Please try again in a moment.",
			"礼品卡可以退吗？":                    "现在咨询的人比较多，请稍后再试。",
		} {
			_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: text}, desk.Discard)
			var refused *desk.Error
			if !errors.As(err, &refused) || refused.Kind != desk.Overloaded || refused.Public != words || refused.RetryAfter == 0 {
				t.Errorf("%s: %v, want to be asked to come again in these words: %s", text, err, words)
			}
		}
		if a := s.ask("How many days do I have to return an item?"); a.CacheTier != desk.TierMemory || a.Text != known.Text {
			t.Errorf("a cached answer = %+v", a)
		}
		if a := s.ask("how many days do I have to return an item please"); a.CacheTier != desk.TierSemantic {
			t.Errorf("a cached answer to other words = %+v", a)
		}
		if a := s.ask("I want to talk to a human"); a.Handoff == nil {
			t.Errorf("somebody who wants a person = %+v", a)
		}
		time.Sleep(time.Second)
		close(s.model.hold)
		if err := errors.Join(<-first, <-second); err != nil {
			t.Errorf("those who were let in: %v", err)
		}
		waited := s.journal.recorded[len(s.journal.recorded)-1]
		if !slices.ContainsFunc(waited.Trace.Stages, func(st desk.Stage) bool { return st.Name == "queue" && st.Duration == time.Second }) {
			t.Errorf("the trace of one that waited = %+v, want how long", waited.Trace.Stages)
		}
	})
}

func TestWhoWaitsForAnAnswerDoesNotShareTheFateOfABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, complex)
		s.model.hold = make(chan struct{})
		errs := make(chan error, 3)
		for _, batch := range []bool{true, true, false} {
			go func() {
				_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "What does standard shipping cost?", Batch: batch}, desk.Discard)
				errs <- err
			}()
		}
		synctest.Wait()
		if n := s.model.count(); n != 2 {
			t.Errorf("%d calls, want one for the batch and one for the question", n)
		}
		close(s.model.hold)
		if err := errors.Join(<-errs, <-errs, <-errs); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingIsComposedAheadInACrowd(t *testing.T) {
	s := openRenewing(t, func(_ *answer.Config, p *answer.Parts) {
		p.Gate = admission.New(admission.Config{Concurrency: 1, Queue: 1, Wait: time.Minute}, unseen{})
	})
	first := s.ask(lasting)
	place, err := s.Gate.Enter(t.Context(), tenant, false) // somebody else is answered
	if err != nil {
		t.Fatal(err)
	}
	if a := s.askOften(3); a.ID != first.ID {
		t.Errorf("answer = %+v, want the old one", a)
	}
	if got := s.awaitRenewals(1); got[0] != "age kept" || s.model.count() != 1 {
		t.Errorf("renewals = %v, %d calls; want that the old one is kept", got, s.model.count())
	}
	place.Leave()
}
