package web_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/desk"
)

func TestTextFromOutsideStaysText(t *testing.T) {
	const hostile = `<img src=x onerror="window.harmed=1"><script>window.harmed=2</script> [bad](javascript:window.harmed=3) javascript:window.harmed=4`
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	a := desk.Answer{
		Text: desk.Masked("**" + hostile + "** [1] [2] [3]\n- " + hostile + "\n# " + hostile), Model: hostile, Provider: hostile, Conversation: "c",
		Citations: []desk.Citation{
			{Index: 1, Title: hostile, Quote: hostile, URL: "javascript:window.harmed=5"},
			{Index: 2, Title: hostile, Quote: hostile, URL: "data:text/html,<script>window.harmed=6</script>"},
			{Index: 3, Title: hostile, Quote: hostile, URL: " JaVaScRiPt:window.harmed=7"},
		},
		Handoff: &desk.Handoff{Contact: desk.Contact{
			URL: "javascript:window.harmed=8", Email: `x"onclick="window.harmed=9`, Phone: "javascript:window.harmed=10", Message: hostile,
		}},
	}
	s.plays(says(a))
	p.ask(hostile)
	p.shows(".writer", hostile)
	for i := range a.Citations {
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelectorAll('kefu-citation > button')[%d].focus()", i)))
		p.shows(fmt.Sprintf("kefu-citation:nth-of-type(%d) .card", i+1), hostile)
	}
	if n := js[int](p, "document.querySelectorAll('kefu-chat :is(img, script, iframe, svg, style)').length"); n != 0 {
		t.Errorf("%d elements came from text", n)
	}
	links := js[[]string](p, "[...document.querySelectorAll('kefu-chat a')].map((a) => a.protocol)")
	if !slices.Equal(links, []string{"mailto:", "tel:"}) {
		t.Errorf("links lead to %s, want the two of the contact", links)
	}
	if harmed := js[bool](p, "window.harmed !== undefined"); harmed {
		t.Error("text from outside was carried out")
	}
}

func TestAKeyIsAskedForWhereTheServiceWantsOne(t *testing.T) {
	s := serve(t, testKey)
	say := speeches()["en-GB"]
	p := open(t, view{locale: "en-GB", width: 360}, s.url)
	s.plays(says(say.answer))
	p.ask(say.question)
	p.shows(".notice", "needs an access key")
	p.accessible()
	p.do(chromedp.SendKeys(chromedp.CSS(".key input"), testKey+kb.Enter))
	p.shows("[role=status]", say.complete)
	if got := s.questions(); len(got) != 1 {
		t.Errorf("asked %q, want the question once", got)
	}
}

func TestEveryFailureIsWordedForTheCustomer(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	for kind, want := range map[desk.Kind]string{
		desk.Invalid: "cannot be read", desk.TooLarge: "too long", desk.RateLimited: "wait a moment", desk.OverBudget: "budget",
		desk.Unavailable: "not available", desk.TimedOut: "took too long", desk.Internal: "Something went wrong on our side",
	} {
		s.plays(fails(kind), func(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
			_ = emit(desk.Event{Type: desk.EventDelta, Text: "Half an"})
			return fails(kind)(ctx, ask, emit)
		})
		for range 2 { // before anything was said, and in the midst of it
			p.ask("?")
			p.shows("[role=status]", want)
		}
	}
	p.shows("kefu-answer:last-of-type .text", "Half an")
}

func TestAFailureOfTheModelIsWordedAsWhatItIs(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	for _, tt := range []struct {
		kind       desk.Kind
		code, want string
	}{
		{desk.Unavailable, "answer_cut", "broke off"},
		{desk.Unavailable, "answer_ungrounded", "ask a person"},
		{desk.Invalid, "content_refused", "other words"},
		{desk.Unavailable, "models_busy", "wait a moment"},
		{desk.Overloaded, "overloaded", "wait a moment"},
		{desk.Unavailable, "models_unavailable", "not available"},
	} {
		s.plays(func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
			return desk.Answer{}, &desk.Error{Kind: tt.kind, Code: tt.code}
		})
		p.ask("?")
		p.shows("kefu-answer:last-of-type .notice", tt.want)
	}
}

func TestALostConnectionIsToldFromAnEnd(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	s.plays(func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventDelta, Text: "Half an"})
		_ = s.pause(ctx)
		panic("the server dies")
	})
	p.ask("?")
	p.shows("kefu-answer .text", "Half an")
	s.resume(t)
	p.shows(".notice", "connection was lost")
	p.shows("kefu-answer .text", "Half an")
}

func TestTheAnswerAsItWasJudgedReplacesWhatWasStreamed(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	s.plays(func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventDelta, Text: "It holds.\n\nIt does not hold [1].\n\nMore."})
		_ = s.pause(ctx)
		return desk.Answer{Text: "It holds."}, nil
	})
	p.ask("?")
	p.shows("kefu-answer p:last-of-type", "More.")
	kept := "document.querySelector('kefu-answer .text > p')"
	p.do(chromedp.Evaluate[chromedp.Void]("window.kept = " + kept))
	s.resume(t)
	p.shows(".writer", "Automatic")
	if got := js[string](p, "document.querySelector('kefu-answer .text').textContent"); got != "It holds." {
		t.Errorf("the answer says %q, want what was judged", got)
	}
	if !js[bool](p, "window.kept === "+kept) {
		t.Error("a paragraph that did not change was made anew, which loses focus and selection")
	}
}

func TestALongAnswerLeavesTheQuestionAndTheReaderWhereTheyAre(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "en-GB", width: 360}, s.url)
	long := desk.Masked(strings.Repeat("A long answer.\n\n", 60))
	s.plays(says(desk.Answer{Text: long}), s.slowly(desk.Answer{Text: long}))
	p.ask("first")
	p.shows(".writer", "Automatic")
	p.await("(() => { const top = document.querySelector('.question').getBoundingClientRect().top; return top >= 0 && top < 100 })()")

	p.ask("second")
	s.resume(t)
	p.shows("kefu-answer:last-of-type .text", "A long answer.")
	p.do(chromedp.Evaluate[chromedp.Void]("scrollTo(0, 40)"))
	s.resume(t)
	s.resume(t)
	p.shows("kefu-answer:last-of-type .writer", "Automatic")
	if y := js[int](p, "scrollY"); y != 40 {
		t.Errorf("a reader at 40 px was moved to %d px", y)
	}
}
