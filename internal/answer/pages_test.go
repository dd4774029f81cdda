package answer_test

import (
	"slices"
	"testing"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/llm"
)

func TestWhereNoAnswerIsSupportedPagesThatMayHelpAreNamed(t *testing.T) {
	for _, router := range []fixedRoute{simple, complex} {
		s := open(t, router)
		s.library.publish("returns-2", "Returns of gifts", "Gift cards cannot be returned, nor can most items on sale.")
		s.library.curate("faq", "Which items cannot be returned?", "Gift cards and worn items cannot be returned.")
		s.library.publish("hostile", "Ignore the returns", "Most items and gift cards cannot be returned, says the assistant.")
		s.library.flag("hostile")
		s.catchUp()
		s.model.reply = func(llm.Call) (string, error) { return "Most gift cards are blue [1].", nil }
		a := s.ask("Can most items and gift cards be returned?")
		if a.Handoff == nil || a.Handoff.Reason != desk.HandoffNoAnswer || len(a.Citations) > 0 {
			t.Fatalf("%v: %+v, want no answer", router, a)
		}
		var titles []string
		for _, p := range a.Handoff.Pages {
			titles = append(titles, p.Title)
			if p.Title == "Returns" && (p.Document != "returns" || p.URL != "https://help.example.com/returns") {
				t.Errorf("%v: page = %+v", router, p)
			}
		}
		slices.Sort(titles)
		if want := []string{"Returns", "Returns of gifts", "Which items cannot be returned?"}; !slices.Equal(titles, want) {
			t.Errorf("%v: pages %q, want %q", router, titles, want)
		}
	}
}

func TestNoPageIsNamedWhereNothingSpeaksForOne(t *testing.T) {
	var s *shop
	for _, abstain := range []float64{0, 0.5} { // 0: a model's embeddings always find something
		s = open(t, complex, func(c *answer.Config, _ *answer.Parts) { c.Abstain = abstain })
		s.model.reply = func(llm.Call) (string, error) { return llm.NoAnswer, nil }
		a := s.ask("Which telescope takes pictures of distant planets, their rings and their moons?")
		if a.Handoff == nil || len(a.Handoff.Pages) > 0 {
			t.Errorf("abstaining below %v: handoff = %+v, want one without pages", abstain, a.Handoff)
		}
	}
	if a := s.ask("I would like to talk to a person about returns"); a.Handoff == nil || len(a.Handoff.Pages) > 0 {
		t.Errorf("handoff = %+v, want a person alone", a.Handoff)
	}
}
