package answer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/knowledge"
	"kefu/internal/llm"
	"kefu/internal/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAComplexQuestionIsAnsweredFromPassagesByTheStrongTier(t *testing.T) {
	s := open(t, complex)
	a := s.ask("How long do I have to return an item, and what about gift cards?")
	if !a.Grounded || a.Outcome != desk.Answered || a.Handoff != nil {
		t.Fatalf("answer = %+v, want a grounded one", a)
	}
	c := s.model.last()
	if c.Tier != llm.Strong || c.Temperature != 0 || len(c.Prompt.Sources) < 3 {
		t.Errorf("call: tier %s, temperature %v, %d sources", c.Tier, c.Temperature, len(c.Prompt.Sources))
	}
	if len(a.Citations) != 1 || !strings.Contains(c.Prompt.Sources[0].Text, a.Citations[0].Quote) {
		t.Errorf("citations = %+v", a.Citations)
	}
	if a.Usage.Total() != 120 || a.Cost != 42 {
		t.Errorf("usage = %+v, cost = %d", a.Usage, a.Cost)
	}
	rec := s.journal.recorded[0]
	if rec.Trace == nil || len(rec.Trace.Attempts) != 1 || len(rec.Trace.Passages) == 0 || rec.Trace.Cache != "miss" {
		t.Errorf("trace = %+v", rec.Trace)
	}
}

func TestWhereTheWordsSpeakForNoAnswerNoModelIsAsked(t *testing.T) {
	strict := func(c *answer.Config, _ *answer.Parts) { c.Abstain = 0.3 }
	s := open(t, complex, strict)
	a := s.ask("Which telescope takes pictures of distant planets, their rings and their moons?")
	if s.model.count() != 0 || a.Outcome != desk.Abstained || a.Trace.Answerable <= 0 || a.Trace.Answerable >= 0.3 {
		t.Errorf("%d calls, outcome %s, answerable %.2f, want no call", s.model.count(), a.Outcome, a.Trace.Answerable)
	}
	if a = s.ask("How much does standard shipping cost?"); a.Outcome != desk.Answered || a.Trace.Answerable < 0.3 {
		t.Errorf("outcome %s, answerable %.2f, want an answer", a.Outcome, a.Trace.Answerable)
	}
}

func TestALanguageModelIsAskedWhereTheWordsLeaveItOpen(t *testing.T) {
	abstaining := func(c *answer.Config, _ *answer.Parts) { c.Abstain = 0.9 }
	reading := func(c *answer.Config, _ *answer.Parts) { c.Abstain, c.LanguageModel = 0.9, true }
	const unclear, none = "What would I be charged for having it shipped?", "Which telescope takes pictures of distant planets, their rings and their moons?"
	for _, tt := range []struct {
		question string
		set      func(*answer.Config, *answer.Parts)
		calls    int
	}{{unclear, abstaining, 0}, {unclear, reading, 1}, {none, reading, 0}} {
		s := open(t, complex, tt.set)
		a := s.ask(tt.question)
		if s.model.count() != tt.calls {
			t.Errorf("%s: %d calls, want %d (answerable %.2f)", tt.question, s.model.count(), tt.calls, a.Trace.Answerable)
		}
		if tt.calls > 0 && !s.model.last().Prompt.Doubtful {
			t.Errorf("%s: the call does not say that it is doubtful", tt.question)
		}
	}
	s := open(t, complex, reading)
	if s.ask("How much does standard shipping cost?"); s.model.last().Prompt.Doubtful {
		t.Error("a call is doubtful where the words speak for an answer")
	}
}

func TestAnswersOfAnotherDecisionToAbstainAreNotReused(t *testing.T) {
	shared := memory(t, true, 0)
	under := func(language bool) *shop {
		return open(t, complex, func(c *answer.Config, p *answer.Parts) { c.Abstain, c.LanguageModel, p.Cache = 0.9, language, shared })
	}
	const unclear = "What would I be charged for having it shipped?"
	words := under(false)
	if words.ask(unclear); words.ask(unclear).CacheTier == "" {
		t.Fatal("what was declined is not cached")
	}
	if a := under(true).ask(unclear); a.CacheTier != "" || a.Outcome != desk.Answered {
		t.Errorf("from %q, outcome %s, want a new answer", a.CacheTier, a.Outcome)
	}
}

func TestASimpleQuestionTakesOneCheapCallAndAtMostTwoPassages(t *testing.T) {
	s := open(t, simple)
	a := s.ask("What does standard shipping cost?")
	if c := s.model.last(); c.Tier != llm.Cheap || len(c.Prompt.Sources) == 0 || len(c.Prompt.Sources) > 2 {
		t.Errorf("call: tier %s, %d sources", c.Tier, len(c.Prompt.Sources))
	}
	if s.model.count() != 1 || a.Route.Kind != desk.Simple || !a.Grounded {
		t.Errorf("%d calls, route %s, grounded %v", s.model.count(), a.Route.Kind, a.Grounded)
	}
}

func TestACuratedAnswerRidesAlongFirst(t *testing.T) {
	s := open(t, simple)
	s.library.curate("faq", "How much is standard shipping?", "Shipping is $4.90.")
	s.catchUp()
	s.ask("How much is standard shipping?")
	if src := s.model.last().Prompt.Sources; len(src) == 0 || src[0].Document != "faq" {
		t.Errorf("first source = %+v, want the curated answer", src)
	}
}

func TestASimpleAnswerWithoutSupportEscalatesOnce(t *testing.T) {
	s := open(t, simple)
	s.model.reply = func(c llm.Call) (string, error) {
		if c.Tier == llm.Cheap {
			return "Shipping is free on the moon [1].", nil
		}
		return quoting(c)
	}
	a := s.ask("What does standard shipping cost?")
	if s.model.count() != 2 || a.Route.Kind != desk.Complex || a.Route.Reason != "escalated" || !a.Grounded {
		t.Errorf("%d calls, route %+v, grounded %v", s.model.count(), a.Route, a.Grounded)
	}
	if len(a.Trace.Routes) != 2 {
		t.Errorf("routes in the trace = %d, want 2", len(a.Trace.Routes))
	}
	if d := a.Trace.Decisions; len(d) != 1 || d[0].Step != desk.StepFallback || d[0].Reason != string(llm.Ungrounded) {
		t.Errorf("decisions in the trace = %+v, want another model for an ungrounded answer", d)
	}
}

func TestAPleasantryNeedsNoSource(t *testing.T) {
	s := open(t, hello)
	s.model.reply = func(llm.Call) (string, error) { return "Hello! We ship in 2 days. How can I help?", nil }
	a := s.ask("hi")
	if a.Restored != "Hello! How can I help?" || !a.Grounded || a.Handoff != nil || len(a.Citations) != 0 {
		t.Errorf("answer = %+v", a)
	}
}

func TestWhatIsNotSupportedIsNotSaid(t *testing.T) {
	tests := []struct {
		name, question, reply, says string
		lang                        desk.Lang
	}{
		{"an invention", "Do you sell moon rockets with returns?", "Moon rockets are sold on Sundays for 99 dollars [1].", "could not find", desk.English},
		{"a model that declines", "Do you sell moon rockets with returns?", "NO_ANSWER", "could not find", desk.English},
		{"one that declines in bold, and gives a reason", "Do you sell moon rockets with returns?", "**NO_ANSWER**\n\nYou can return most items within 30 days of delivery [1], but rockets are not named.", "could not find", desk.English},
		{"in Chinese", "你们卖退货的火箭吗？", "火箭每周日特价销售[1]。", "没有找到", desk.Chinese},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, complex)
			s.library.publish("complaints", "Returns", "If we give no answer within 14 days about the returns of what we sell, write to the ombudsman.")
			s.catchUp()
			s.model.reply = func(llm.Call) (string, error) { return tt.reply, nil }
			a := s.ask(tt.question)
			if a.Grounded || len(a.Citations) > 0 || !strings.Contains(a.Restored, tt.says) || a.Outcome != desk.Abstained {
				t.Errorf("answer = %+v", a)
			}
			if a.Handoff == nil || a.Handoff.Reason != desk.HandoffNoAnswer || !strings.Contains(a.Handoff.Contact.Message, string(tt.lang)) {
				t.Errorf("handoff = %+v", a.Handoff)
			}
			if s.journal.handoffs != 1 {
				t.Errorf("notified = %d, want 1", s.journal.handoffs)
			}
		})
	}
}

func TestSomebodyWhoWantsAPersonGetsOne(t *testing.T) {
	for _, q := range []string{"I want to talk to a human", "can I speak to an agent please?", "agent", "转人工", "我要找人工客服", "人工服务"} {
		s := open(t, complex)
		if a := s.ask(q); a.Handoff == nil || a.Handoff.Reason != desk.HandoffRequested || s.model.count() != 0 {
			t.Errorf("%q: handoff = %+v after %d calls", q, a.Handoff, s.model.count())
		}
	}
	for _, q := range []string{"Which agent delivers my parcel?", "人工客服几点上班？", "Is a human reading this?"} {
		s := open(t, complex)
		if a := s.ask(q); a.Handoff != nil && a.Handoff.Reason == desk.HandoffRequested {
			t.Errorf("%q was taken for a request for a person", q)
		}
	}
}

func TestTheSecondAskerIsAnsweredFromMemory(t *testing.T) {
	s := open(t, complex)
	first := s.ask("How long do I have to return an item?")
	second := s.ask("  how long do I have to return an item ")
	if second.CacheTier != desk.TierMemory || second.Text != first.Text || s.model.count() != 1 {
		t.Errorf("tier %q, %d calls", second.CacheTier, s.model.count())
	}
	if s.journal.saved != 42 || len(s.journal.recorded) != 1 {
		t.Errorf("saved %d, recorded %d; want 42, 1", s.journal.saved, len(s.journal.recorded))
	}
}

func TestACachedAnswerDiesWithWhatItRestsOn(t *testing.T) {
	const q = "How long do I have to return an item?"
	tests := []struct {
		name    string
		publish func(*library)
		hit     bool
	}{
		{"the cited document changes", func(l *library) {
			l.publish("returns", "Returns", "You can return most items within 60 days of delivery.")
		}, false},
		{"the cited document goes", func(l *library) { l.remove("returns") }, false},
		{"a better passage comes", func(l *library) {
			l.publish("new", "How long to return an item", "How long do you have to return an item? 90 days.")
		}, false},
		{"something else changes", func(l *library) { l.publish("shipping", "Shipping", "Standard shipping costs $5.90.") }, true},
		{"something else comes", func(l *library) { l.publish("jobs", "Jobs", "We are hiring packers in the warehouse.") }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, complex)
			s.ask(q)
			tt.publish(s.library)
			s.catchUp()
			if a := s.ask(q); (a.CacheTier != "") != tt.hit {
				t.Errorf("served from %q, want a hit: %v", a.CacheTier, tt.hit)
			}
		})
	}
}

func TestIDoNotKnowDiesWithAnyPublish(t *testing.T) {
	s := open(t, complex)
	s.model.reply = func(llm.Call) (string, error) { return "NO_ANSWER", nil }
	s.ask("Do you gift-wrap returns?")
	if a := s.ask("Do you gift-wrap returns?"); a.CacheTier == "" {
		t.Error("an unchanged knowledge base was searched again")
	}
	s.library.publish("wrap", "Wrapping", "We gift-wrap for 3 dollars.")
	s.catchUp()
	if a := s.ask("Do you gift-wrap returns?"); a.CacheTier != "" {
		t.Error("an abstention outlived a publish")
	}
}

func TestAReplicaThatLostItsLeaseCatchesUpOrTrustsNoCache(t *testing.T) {
	const q = "How long do I have to return an item?"
	s := open(t, complex)
	s.ask(q)
	s.knowledge = knowledge.New(s.library, "flat", retrieval.DefaultConfig()) // no lease yet
	s.Service.Knowledge = s.knowledge
	s.library.publish("returns", "Returns", "You can return most items within 60 days of delivery.")
	if a := s.ask(q); !strings.Contains(a.Restored, "60 days") {
		t.Errorf("answer = %q, want the one published while the lease was gone", a.Restored)
	}

	s.Service.Knowledge = knowledge.New(s.library, "flat", retrieval.DefaultConfig())
	s.library.lost = errors.New("no route to the database")
	if a := s.ask(q); a.CacheTier != "" {
		t.Error("a replica that cannot catch up served from the cache")
	}
}

func TestWhatFailedVerificationIsNotCached(t *testing.T) {
	s := open(t, complex)
	s.model.reply = func(llm.Call) (string, error) { return "Rockets fly on 7 Sundays [1].", nil }
	s.ask("What about returns?")
	if a := s.ask("What about returns?"); a.CacheTier != "" {
		t.Error("an answer that failed verification was cached")
	}
}

func TestPersonalDataIsMaskedRestoredAndNeverShared(t *testing.T) {
	s := open(t, complex)
	s.model.reply = func(c llm.Call) (string, error) {
		if strings.Contains(string(c.Prompt.Question), "ann@") {
			return "", errors.New("the address left the process")
		}
		return "You can return most items within 30 days of delivery, ⟦EMAIL_1⟧ [1].", nil
	}
	const q = "I am ann@mail.example, how long can I return items?"
	a := s.ask(q)
	if !strings.Contains(a.Restored, "ann@mail.example") || strings.Contains(string(a.Text), "ann@") {
		t.Errorf("restored %q, kept %q", a.Restored, a.Text)
	}
	if strings.Contains(string(s.journal.asked[0].Text), "ann@") {
		t.Error("the recorded question holds the address")
	}
	if b := s.ask(q); b.CacheTier != "" {
		t.Error("an answer to personal data was cached")
	}
}

func TestFollowersShareOneComposition(t *testing.T) {
	s := open(t, complex)
	s.model.hold = make(chan struct{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { s.ask("How long do I have to return an item?") })
	}
	for s.model.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(s.model.hold)
	wg.Wait()
	if s.model.count() != 1 {
		t.Errorf("calls = %d, want 1", s.model.count())
	}
}

func TestAPublishDuringCompositionIsSeenByTheNextAsker(t *testing.T) {
	s := open(t, complex)
	s.model.hold = make(chan struct{})
	done := make(chan desk.Answer)
	go func() { done <- s.ask("How long do I have to return an item?") }()
	for s.model.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	s.library.publish("returns", "Returns", "You can return most items within 60 days of delivery.")
	s.catchUp()
	close(s.model.hold)
	if old := <-done; !strings.Contains(old.Restored, "30 days") {
		t.Errorf("the answer under way = %q", old.Restored)
	}
	if a := s.ask("How long do I have to return an item?"); a.CacheTier != "" || !strings.Contains(a.Restored, "60 days") {
		t.Errorf("after the publish: %q from %q", a.Restored, a.CacheTier)
	}
}

func TestAFailingEmbedderLeavesTheWords(t *testing.T) {
	s := open(t, complex, func(_ *answer.Config, p *answer.Parts) { p.Embedder = flatEmbedder{err: errors.New("down")} })
	if a := s.ask("How long do I have to return an item?"); !a.Grounded {
		t.Errorf("answer = %+v", a)
	}
}

func TestWhenEveryModelFailsTheCustomerIsToldSo(t *testing.T) {
	tests := []struct {
		name, question, says string
		fail                 error
		kind                 desk.Kind
	}{
		{"unavailable", "How long do returns take?", "cannot answer right now", &llm.Failure{Kind: llm.Unavailable}, desk.Unavailable},
		{"timed out, in Chinese", "退货期限是多久？", "时间太长", &llm.Failure{Kind: llm.TimedOut}, desk.TimedOut},
		{"an unknown model", "How long do returns take?", "no such model", &desk.Error{Kind: desk.Invalid, Public: "no such model"}, desk.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, complex)
			s.model.reply = func(llm.Call) (string, error) { return "", tt.fail }
			_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: tt.question}, desk.Discard)
			var said *desk.Error
			if !errors.As(err, &said) || said.Kind != tt.kind || !strings.Contains(said.Public, tt.says) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestBadQuestionsAreRefusedByName(t *testing.T) {
	tests := map[string]string{
		"":                        "question_empty",
		" \n\t ":                  "question_empty",
		"a\x00b":                  "question_control_characters",
		"\xff\xfe":                "question_not_utf8",
		strings.Repeat("长", 4001): "question_too_long",
	}
	s := open(t, complex)
	for text, code := range tests {
		_, err := s.Answer(t.Context(), desk.Ask{Text: text}, desk.Discard)
		var said *desk.Error
		if !errors.As(err, &said) || said.Code != code || said.Field != "question" || said.Kind != desk.Invalid {
			t.Errorf("%.20q: %v, want %s", text, err, code)
		}
	}
}

func TestEventsTellTheAnswerInOrder(t *testing.T) {
	s := open(t, complex)
	for _, from := range []string{"composed", "cache"} {
		var types []string
		_, err := s.Answer(t.Context(), desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "How long do I have to return an item?"}, func(e desk.Event) error {
			types = append(types, string(e.Type))
			return nil
		})
		if got := strings.Join(types, " "); err != nil || got != "meta delta citation usage" {
			t.Errorf("%s: events = %q, %v", from, got, err)
		}
	}
}

func TestACallerWhoLeavesStopsTheWork(t *testing.T) {
	s := open(t, complex)
	s.model.hold = make(chan struct{})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Answer(ctx, desk.Ask{Scope: desk.Scope{Tenant: tenant}, Text: "How long do I have to return an item?"}, desk.Discard)
		done <- err
	}()
	for s.model.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	leave()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	s.Wait() // ends only because the model's context was cancelled
}
