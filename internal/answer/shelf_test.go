package answer_test

import (
	"slices"
	"sync"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestNearlyTheSameQuestionSharesAnAnswer(t *testing.T) {
	for _, pair := range [][2]string{
		{"How long do I have to return an item?", "Hello, how long do I have to return the item please?"},
		{"Can I return an AB-1203 within 30 days?", "Could I return the AB-1203 within thirty days?"},
		{"请问商品签收后多久内可以退货？", "商品签收后多长时间内能退货"},
	} {
		s := open(t, complex)
		first, second := s.ask(pair[0]), s.ask(pair[1])
		if first.Outcome != desk.Answered || second.CacheTier != desk.TierSemantic || second.Text != first.Text || second.ID != first.ID {
			t.Errorf("%q after %q: tier %q, answer %q after %q", pair[1], pair[0], second.CacheTier, second.Text, first.Text)
		}
		if s.model.count() != 1 || s.journal.saved != 42 || len(s.journal.recorded) != 1 {
			t.Errorf("%q: %d calls, saved %d, recorded %d; want 1, 42, 1", pair[1], s.model.count(), s.journal.saved, len(s.journal.recorded))
		}
		if again := s.ask(pair[0]); again.CacheTier != desk.TierMemory {
			t.Errorf("%q again: tier %q, want memory", pair[0], again.CacheTier)
		}
	}
}

func TestWhatSetsTwoQuestionsApartComposesAnother(t *testing.T) {
	for _, pair := range [][2]string{
		{"Can I return an item of $50 by mail?", "Can I return an item of $500 by mail?"},
		{"Can I return an item within 30 days?", "Can I return an item within 60 days?"},
		{"Can I return the lamp AB-1203 in time?", "Can I return the lamp AB-1204 in time?"},
		{"What is the time to return items in the EU?", "What is the time to return items in the US?"},
		{"Can I return opened items?", "Can't I return opened items?"},
		{"When can I return an item?", "Where can I return an item?"},
		{"Can I return an item after delivery?", "Can I return an item before delivery?"},
		{"Can I return gift cards?", "Can I return gift vouchers to the store?"},
		{"三十天内商品可以退货吗？", "六十天内商品可以退货吗？"},
		{"商品签收后在欧盟可以退货吗？", "商品签收后在美国可以退货吗？"},
		{"商品签收后可以退货吗？", "商品签收后不可以退货吗？"},
		{"型号 AB-1203 的商品可以退货吗？", "型号 AB-1204 的商品可以退货吗？"},
	} {
		s := open(t, complex)
		if a := s.ask(pair[0]); a.Outcome != desk.Answered {
			t.Errorf("%q was not answered", pair[0])
		}
		if a := s.ask(pair[1]); a.CacheTier != "" || s.model.count() != 2 {
			t.Errorf("%q was answered from %q by the answer to %q", pair[1], a.CacheTier, pair[0])
		}
	}
}

const asked, near = "How long do I have to return an item?", "how long do I have to return the item please"

func TestASharedAnswerDiesWithWhatItRestsOn(t *testing.T) {
	for name, publish := range map[string]func(*library){
		"the cited document changes": func(l *library) {
			l.publish("returns", "Returns", "You can return most items within 60 days of delivery.")
		},
		"the cited document goes": func(l *library) { l.remove("returns") },
		"a better passage for the second wording comes": func(l *library) {
			l.publish("new", "How long to return an item", "How long do you have to return an item? 90 days.")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, complex)
			s.ask(asked)
			publish(s.library)
			s.catchUp()
			if a := s.ask(near); a.CacheTier != "" {
				t.Errorf("served from %q: %q", a.CacheTier, a.Text)
			}
		})
	}
}

func TestWhatBecameOfTheNearestQuestionIsTold(t *testing.T) {
	changed := func(s *shop) {
		s.library.publish("returns", "Returns", "You can return most items within 60 days of delivery.")
		s.catchUp()
	}
	for _, tt := range []struct {
		name, first, second string
		prepare             func(*shop)
		want                []string
	}{
		{"it answers", asked, near, nil, []string{"hit 1.00"}},
		{"its answer is stale", asked, near, changed, []string{"stale 1.00"}},
		{"something sets it apart", "Can I return opened items?", "Can't I return opened items?", nil, []string{"vetoed 1.00"}},
		{"it is not similar enough", "Can I return opened items by mail?", "Can I return opened items by plane?", nil, []string{"far 0.75"}},
		{"there is none", asked, "How much is standard shipping?", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, complex)
			s.ask(tt.first)
			if tt.prepare != nil {
				tt.prepare(s)
			}
			s.ask(tt.second)
			if !slices.Equal(s.journal.nearest, tt.want) {
				t.Errorf("told %q, want %q", s.journal.nearest, tt.want)
			}
		})
	}
}

func TestWhatIsNotForOthersIsNotForNearlyTheSameQuestion(t *testing.T) {
	declines := func(s *shop) {
		s.model.reply = func(llm.Call) (string, error) { return "NO_ANSWER", nil }
	}
	for _, tt := range []struct {
		name          string
		first, second desk.Ask
		prepare       func(*shop)
	}{
		{"another tenant's question", desk.Ask{Text: asked}, desk.Ask{Text: near, Scope: desk.Scope{Tenant: "another"}}, nil},
		{"an abstention", desk.Ask{Text: asked}, desk.Ask{Text: near}, declines},
		{"another model", desk.Ask{Text: asked}, desk.Ask{Text: near, Model: "other"}, nil},
		{"a chosen route", desk.Ask{Text: asked}, desk.Ask{Text: near, Route: desk.Simple}, nil},
		{"personal data in the first", desk.Ask{Text: asked + " (ann@example.com)"}, desk.Ask{Text: near}, nil},
		{"personal data in the second", desk.Ask{Text: asked}, desk.Ask{Text: near + " (ann@example.com)"}, nil},
		{"hidden text in the second", desk.Ask{Text: asked}, desk.Ask{Text: near + "\U000E0068"}, nil},
		{
			"a follow-up",
			desk.Ask{Text: asked},
			desk.Ask{Text: "How long do I have to return it?", Earlier: []desk.Exchange{{Question: "Can I buy an item?", Answer: "Yes."}}},
			nil,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, complex, func(c *answer.Config, _ *answer.Parts) { c.Turns = 4 })
			if tt.prepare != nil {
				tt.prepare(s)
			}
			for _, ask := range []desk.Ask{tt.first, tt.second} {
				if ask.Scope.Tenant == "" {
					ask.Scope.Tenant = tenant
				}
				a, err := s.Answer(t.Context(), ask, desk.Discard)
				if err != nil || a.CacheTier != "" {
					t.Errorf("%q: tier %q, error %v", ask.Text, a.CacheTier, err)
				}
			}
		})
	}
}

// wary takes care with one wording.
type wary struct{}

func (wary) Judge(text string) desk.Verdict {
	if text == near {
		return desk.Verdict{Action: desk.Care, Rule: "hidden", Score: 1}
	}
	return desk.Verdict{Action: desk.Allow}
}
func (wary) Document(string) desk.Verdict { return desk.Verdict{Action: desk.Allow} }

func TestASuspectQuestionSharesNoAnswer(t *testing.T) {
	s := open(t, complex, func(_ *answer.Config, p *answer.Parts) { p.Guard = wary{} })
	s.ask(asked)
	if a := s.ask(near); a.CacheTier != "" {
		t.Errorf("served from %q", a.CacheTier)
	}
}

func TestTheSemanticTierCanBeTurnedOff(t *testing.T) {
	s := open(t, complex)
	s.Cache = memory(t, false, 0)
	s.ask(asked)
	if a := s.ask(near); a.CacheTier != "" {
		t.Errorf("served from %q", a.CacheTier)
	}
}

func TestNearlyTheSameQuestionsAskedAtOnceAreAllAnswered(t *testing.T) {
	s := open(t, complex)
	s.ask(asked)
	var all sync.WaitGroup
	for _, q := range []string{near, "How long do I have to return items?", "Please, how long have I to return an item?", asked} {
		for range 8 {
			all.Go(func() {
				if a := s.ask(q); a.CacheTier == "" {
					t.Errorf("%q was composed", q)
				}
			})
		}
	}
	all.Wait()
}
