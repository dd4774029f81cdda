package web_test

import (
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/desk"
	"kefu/internal/web"
)

func views() []view {
	var all []view
	for _, locale := range []string{"en-GB", "zh-CN"} {
		for _, width := range []int64{360, 1100} {
			for _, dark := range []bool{false, true} {
				all = append(all, view{locale, width, dark})
			}
		}
	}
	return all
}

func TestAConversation(t *testing.T) {
	for _, v := range views() {
		t.Run(v.String(), func(t *testing.T) {
			s := serve(t, "")
			p := open(t, v, s.url)
			say := speeches()[v.locale]
			welcomes(p, say)
			streams(p, s, say)
			opensThePassage(p, say)
			rates(p, s, say)
			handsOff(p, s, say)
			stops(p, s, say)
			retries(p, s, say)
			saysThatItIsDegraded(p, s, say)
		})
	}
}

func welcomes(p *tab, say speech) {
	if lang := js[string](p, "document.documentElement.lang"); lang != say.lang {
		p.Errorf("language = %q, want %q", lang, say.lang)
	}
	p.shows("h2", say.hello)
	p.shows(".welcome", say.disclosure)
	if n := js[int](p, "document.querySelectorAll('.welcome button').length"); n != 4 {
		p.Errorf("%d suggestions, want 4", n)
	}
	p.accessible()
	p.screenshot("1-welcome")
}

func streams(p *tab, s *scripted, say speech) {
	s.plays(s.slowly(say.answer))
	p.press(".welcome li:first-child button")
	p.shows("kefu-answer", say.searching)
	p.lacks(".send")
	p.screenshot("2-searching")
	s.resume(p.T)
	p.shows("kefu-answer .text", say.begin)
	if busy := js[bool](p, "document.querySelector('kefu-answer').getAttribute('aria-busy') === 'true' && document.querySelector('[role=status]').textContent === ''"); !busy {
		p.Error("a half answer is announced")
	}
	s.resume(p.T)
	p.shows("kefu-answer strong", say.bold)
	p.await("document.querySelectorAll('kefu-citation').length === 3")
	s.resume(p.T)
	p.shows("[role=status]", say.complete)
	p.shows(".writer", say.offline)
	p.shows(".sources", say.title)
	p.lacks(".stop")
	if live := js[int](p, "document.querySelectorAll('main [aria-live], main [role=status], main [role=log], main [role=alert]').length"); live != 0 {
		p.Errorf("%d live regions around the stream, want none", live)
	}
	p.accessible()
	p.screenshot("3-answer")
}

func opensThePassage(p *tab, say speech) {
	p.press("p kefu-citation button")
	p.shows(".card", say.quote)
	if href := js[string](p, "document.querySelector('.card a').href"); href != "https://shop.example/returns" {
		p.Errorf("the passage links to %q", href)
	}
	if off := js[bool](p, "(() => { const r = document.querySelector('.card').getBoundingClientRect(); return r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > innerHeight })()"); off {
		p.Error("the passage is not wholly in view")
	}
	p.accessible()
	p.screenshot("4-passage")
	p.key(kb.Escape)
	p.await("!document.querySelector('.card') && document.activeElement.closest('kefu-citation') !== null")
	p.press("p kefu-citation button") // an open passage closes on the second press
	p.shows(".card", say.title)
	p.press("p kefu-citation button")
	p.lacks(".card")
}

func rates(p *tab, s *scripted, say speech) {
	s.ratings(true)
	p.press("[data-rating=up]")
	p.shows(".rating .notice", say.unrated)
	s.ratings(false)
	p.press("[data-rating=up]")
	p.shows(".rating .more", say.thanks)
	p.shows("[role=status]", say.thanks)
	p.press("[data-rating=down]")
	p.await("document.activeElement.matches('.complaint input')")
	p.accessible()
	p.screenshot("4-rating")
	p.press(".complaint label:nth-of-type(2)")
	p.fill(".complaint textarea", say.question)
	p.press(".complaint button")
	p.shows(".rating .more", say.thanks)
	p.lacks(".complaint")
	p.await("document.activeElement.matches('[data-rating=down][aria-pressed=true]')")
	p.accessible()
	want := []string{"ans_1 up  ", "ans_1 down  ", "ans_1 down outdated " + say.question}
	if got := s.ratings(false); !slices.Equal(got, want) {
		p.Errorf("the server was told %q, want %q", got, want)
	}
}

func handsOff(p *tab, s *scripted, say speech) {
	s.plays(says(desk.Answer{
		Text: desk.Masked(say.unknown), Lang: say.answer.Lang, Provider: "openai", Model: "gpt-6-luna",
		Handoff: &desk.Handoff{Reason: desk.HandoffNoAnswer, Contact: desk.Contact{
			URL: "https://shop.example/contact", Email: "help@shop.example", Phone: "+86 10 1234 5678", Message: say.offer,
		}, Pages: []desk.HelpPage{{Title: "Returns & 退货", URL: "https://shop.example/returns", Excerpt: "Gift cards stay. <i>No</i> …"}, {Title: "<b>", URL: "javascript:alert(1)"}}},
	}))
	p.ask(say.question)
	p.shows(".sources", "Returns & 退货")
	p.shows(".sources", "<b>")
	p.shows(".sources q", "Gift cards stay. <i>No</i> …")
	if got := js[string](p, "[...document.querySelectorAll('kefu-answer:last-of-type .sources a')].map((a) => a.href).join(' ')"); got != "https://shop.example/returns" {
		p.Errorf("the pages lead to %q", got)
	}
	p.shows(".contact", say.person)
	p.shows(".contact", say.offer)
	p.shows(".writer", say.automatic)
	p.shows("[role=status]", say.offer)
	got := js[string](p, "[...document.querySelectorAll('.ways a')].map((a) => a.href).join(' ')")
	if want := "https://shop.example/contact mailto:help@shop.example tel:+861012345678"; got != want {
		p.Errorf("the offer leads to %s, want %s", got, want)
	}
	p.accessible()
	p.screenshot("5-handoff")
}

func stops(p *tab, s *scripted, say speech) {
	s.plays(s.slowly(say.answer), says(say.answer))
	p.ask(say.question)
	s.resume(p.T)
	p.shows("kefu-answer:last-of-type .text", say.begin)
	p.press(".stop")
	p.shows("kefu-answer:last-of-type .notice", say.stopped)
	select {
	case <-s.left:
	case <-time.After(patience):
		p.Fatal("the server was not told that the customer stopped the answer")
	}
	p.shows("kefu-answer:last-of-type .text", say.begin) // what came stays
	p.accessible()
	p.screenshot("6-stopped")
	p.shows(".again", say.again)
	p.press(".again")
	p.shows("[role=status]", say.complete)
	p.lacks(".again")
}

func retries(p *tab, s *scripted, say speech) {
	written := say.answer
	written.Provider, written.Model = "openai", "gpt-6-luna"
	s.plays(fails(desk.Unavailable), says(written))
	p.ask(say.question)
	p.shows("kefu-answer:last-of-type .notice", say.unavailable)
	p.shows("[role=status]", say.unavailable)
	p.write("draft")
	p.accessible()
	p.screenshot("7-failed")
	p.shows(".again", say.retry)
	p.press(".again")
	p.shows("[role=status]", say.complete)
	p.shows("kefu-answer:last-of-type .writer", "gpt-6-luna")
	if draft := js[string](p, "document.querySelector('textarea').value"); draft != "draft" {
		p.Errorf("draft = %q after a retry, want it kept", draft)
	}
	if all := s.questions(); all[len(all)-1] != say.question {
		p.Errorf("asked again %q, want %q", all[len(all)-1], say.question)
	}
	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('textarea').value = ''"))
}

func saysThatItIsDegraded(p *tab, s *scripted, say speech) {
	a := say.answer
	a.Degraded = true
	s.plays(says(a))
	p.ask(say.question)
	p.shows("kefu-answer:last-of-type .notice", say.degraded)
	p.accessible()
	p.screenshot("8-degraded")
	p.press("#language")
	other := speeches()["zh-CN"]
	if p.v.locale == "zh-CN" {
		other = speeches()["en-GB"]
	}
	p.shows("kefu-answer:last-of-type .notice", other.degraded) // answers already given change too
	p.shows("#language", other.other)
}

func TestTheChatHasTheCompanysNameAndQuestions(t *testing.T) {
	const title = `Acme "help" <b>&`
	s := serveWith(t, web.Face{Title: title, Suggestions: map[string][]string{"en": {"Which tram goes to the zoo?", `"<i>'`}}}, "")
	p := open(t, view{"en-GB", 1100, false}, s.url)
	p.shows("h1", title)
	if got := js[string](p, "document.title"); got != title {
		t.Errorf("the page is called %s", got)
	}
	questions := "[...document.querySelectorAll('.welcome button')].map((b) => b.textContent).join()"
	if got := js[string](p, questions); got != `Which tram goes to the zoo?,"<i>'` {
		t.Errorf("suggested %s", got)
	}
	p.press("#language")
	p.shows(".welcome button", "人工客服") // no Chinese ones are given
	p.press("#language")
	p.press(".welcome li:first-child button")
	p.shows("kefu-answer .text", "…")
	if got := s.questions(); len(got) != 1 || got[0] != "Which tram goes to the zoo?" {
		t.Errorf("asked %q", got)
	}
}
