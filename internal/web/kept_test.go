package web_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kefu/internal/desk"
)

func TestAConversationGoesOnWhenThePageIsLoadedAgain(t *testing.T) {
	for _, v := range bothViews {
		t.Run(v.String(), func(t *testing.T) {
			s, say := serve(t, ""), speeches()[v.locale]
			p := open(t, v, s.url)
			s.plays(says(say.answer), fails(desk.Unavailable))
			p.ask(say.question)
			p.shows("kefu-answer .sources", say.title)
			first := s.last().Conversation
			p.ask(say.question + "?")
			p.shows("kefu-answer .notice", say.unavailable) // a failure is nothing to keep

			p.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("textarea")))
			p.shows(".question", say.question)
			p.shows("kefu-answer .sources", say.title)
			p.await("document.querySelectorAll('kefu-answer').length === 1 && document.querySelectorAll('kefu-citation').length === 3")
			p.accessible()
			p.screenshot("kept")
			p.ask(say.question)
			p.shows("kefu-answer .text", "…")
			if s.last().Conversation != first {
				t.Error("the conversation is another one after the page was loaded again")
			}

			p.press("#language")
			p.press(".anew")
			other := speeches()["zh-CN"]
			if v.locale == "zh-CN" {
				other = speeches()["en-GB"]
			}
			p.shows("h2", other.hello)
			p.await("!document.querySelector('.anew, kefu-answer') && document.activeElement.matches('textarea')")
			p.ask(say.question)
			p.shows("kefu-answer .text", "…")
			if s.last().Conversation == first {
				t.Error("a new conversation is the old one")
			}
			p.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("textarea")))
			p.await("document.querySelectorAll('kefu-answer').length === 1")
		})
	}
}

func TestAPageThatCannotReadWhatWasKeptBeginsAnew(t *testing.T) {
	s, say := serve(t, ""), speeches()["en-GB"]
	p := open(t, view{"en-GB", 1100, false}, s.url)
	for _, kept := range []string{"{", "7", `{"owner":""}`, `{"owner":"","turns":[{"answer":{}}]}`} {
		p.do(chromedp.Evaluate[chromedp.Void]("sessionStorage.setItem('kefu.conversation', "+quoted(kept)+")"), chromedp.Reload(), chromedp.WaitVisible(chromedp.CSS("textarea")))
		p.shows("h2", say.hello)
		p.ask(say.question)
		p.shows("kefu-answer .text", "…")
	}
}

func TestAConversationIsKeptForItsCustomerAlone(t *testing.T) {
	m := newMembers(t, bothViews[0], "alice")
	m.asks("…")
	hers := m.asked(1, "alice")
	m.goesTo("alice")
	m.open()
	m.told("…")
	m.asks("…")
	if m.asked(2, "alice").Conversation != hers.Conversation {
		t.Error("the conversation is another one on the next page")
	}

	m.goesTo("") // signed out, and the page says nothing of it
	m.open()
	m.framed("!document.querySelector('kefu-answer') && document.querySelector('.welcome').checkVisibility() && sessionStorage.getItem('kefu.conversation') === null")
	m.asks("…")
	m.asked(3, desk.Anonymous)

	m.goesTo("alice")
	m.open()
	m.framed("document.querySelectorAll('kefu-answer').length === 1") // what she asked before she signed in
	m.asks("…")
	m.goesTo("bob")
	m.open()
	m.framed("!document.querySelector('kefu-answer') && sessionStorage.getItem('kefu.conversation') === null")
	m.asks("…")
	m.asked(5, "bob")
}

func TestSigningOutForgetsWhatWasKeptThoughTheChatIsClosed(t *testing.T) {
	m := newMembers(t, bothViews[0], "alice")
	m.asks("…")
	m.framed("sessionStorage.getItem('kefu.conversation') !== null")
	m.goesTo("")
	js[bool](m.tab, "Kefu.identify(null), true")
	m.framed("document.querySelector('kefu-chat') && sessionStorage.getItem('kefu.conversation') === null")
}

// The next page names nobody, another customer, or the same one by a signature
// that has ended, and nobody opens the chat there.
func TestWhatWasKeptOfACustomerEndsWithTheirSignatureThoughTheChatIsClosed(t *testing.T) {
	for name, next := range map[string]func(m *members) string{
		"nobody":      func(*members) string { return "" },
		"another":     func(m *members) string { return m.mine.signs("bob", time.Hour) },
		"has ended":   func(m *members) string { return m.mine.signs("alice", -time.Second) },
		"by function": func(m *members) string { return "() => (" + m.mine.signs("bob", time.Hour) + ")" },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMembers(t, bothViews[0], "alice")
			m.asks("…")
			m.framed("sessionStorage.getItem('kefu.conversation') !== null")
			m.goesTo("")
			if who := next(m); who != "" {
				js[bool](m.tab, "Kefu.identify("+who+"), true")
			}
			m.framed("document.querySelector('kefu-chat') && sessionStorage.getItem('kefu.conversation') === null")
		})
	}
}

func TestAConversationIsKeptOnlyAsLongAsTheSignatureHolds(t *testing.T) {
	m := newMembers(t, bothViews[0], "")
	m.identify(m.mine.signs("alice", time.Hour))
	m.asks("…")
	m.framed("sessionStorage.getItem('kefu.conversation') !== null")
	m.identify(m.mine.signs("alice", 2*time.Second)) // ends while she looks at it
	m.framed("sessionStorage.getItem('kefu.conversation') === null && document.querySelectorAll('kefu-answer').length === 1")
	m.identify(m.mine.signs("alice", time.Hour))
	m.framed("sessionStorage.getItem('kefu.conversation') !== null")
	m.goesTo("")
	m.identify(m.mine.signs("alice", -time.Second))
	m.framed("!document.querySelector('kefu-answer') && sessionStorage.getItem('kefu.conversation') === null")
}
