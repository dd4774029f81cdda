package answer_test

import (
	"slices"
	"strings"
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

// What is shown of a page is its own words, those nearest to the question, and
// whole sentences as far as they go.
func TestAPageThatMayHelpIsShownByWhatIsNearestToTheQuestion(t *testing.T) {
	t.Parallel()
	rest := strings.Repeat("Our shops open at nine in the morning on every day of the week. ", 8)
	for _, c := range []struct{ text, want string }{
		{"Gift cards cannot be returned.", "Gift cards cannot be returned."},
		{rest + "Most gift cards cannot be returned. " + rest, "Most gift cards cannot be returned. Our shops open at nine in the morning on every day of the week."},
		{strings.Repeat("Gift cards cannot be returned. ", 20), strings.Repeat("Gift cards cannot be returned. ", 6) + "…"},
		{"Gift cards " + strings.Repeat("and items ", 30) + "cannot be returned.", "Gift cards " + strings.Repeat("and items ", 18) + "and items …"},
	} {
		s := open(t, complex)
		s.library.publish("gifts", "Gifts", c.text)
		s.catchUp()
		s.model.reply = func(llm.Call) (string, error) { return llm.NoAnswer, nil }
		a := s.ask("Can most items and gift cards be returned?")
		at := slices.IndexFunc(a.Handoff.Pages, func(p desk.HelpPage) bool { return p.Document == "gifts" })
		if at < 0 {
			t.Fatalf("pages = %+v, want the one on gifts", a.Handoff.Pages)
		}
		if got := a.Handoff.Pages[at].Excerpt; got != c.want {
			t.Errorf("excerpt = %q, want %q", got, c.want)
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
