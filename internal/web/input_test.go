package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestTheKeyboardAloneIsEnough(t *testing.T) {
	s := serve(t, "")
	say := speeches()["en-GB"]
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	s.plays(says(say.answer), s.slowly(say.answer))
	p.key(say.question) // the draft has the focus from the start
	p.enter(chromedp.ModifierShift)
	p.key("second line")
	p.enter(chromedp.ModifierNone)
	p.shows("[role=status]", say.complete)
	if got, want := s.questions()[0], say.question+"\nsecond line"; got != want {
		t.Errorf("asked %q, want %q", got, want)
	}

	for range 4 { // over what rates the answer and the source that has a page, to the last citation
		p.key(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	}
	p.shows("kefu-citation:focus-within .card", say.title+" 2")
	p.key(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
	p.shows("kefu-citation:focus-within .card", say.quote)
	p.key(kb.Tab + kb.Tab)
	p.await("document.activeElement.href === 'https://shop.example/returns'")
	p.key(kb.Escape)
	p.await("document.activeElement.matches('kefu-citation > button') && !document.querySelector('.card')")

	p.ask(say.question)
	s.resume(t)
	p.shows("kefu-answer:last-of-type .text", say.begin)
	p.key(kb.Escape)
	p.shows("kefu-answer:last-of-type .notice", say.stopped)
	p.await("document.activeElement === document.querySelector('textarea')")
}

func TestThePointerOpensAPassageAndMayMoveOntoIt(t *testing.T) {
	s := serve(t, "")
	say := speeches()["en-GB"]
	p := open(t, view{locale: "en-GB", width: 1100}, s.url)
	s.plays(says(say.answer))
	p.ask(say.question)
	p.shows(".writer", say.offline)
	at := p.middle("p kefu-citation button")
	p.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	p.shows(".card", say.quote)
	at = p.middle(".card q")
	p.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	p.await("new Promise((done) => setTimeout(() => done(document.querySelector('.card')), 400))")
	p.do(chromedp.MouseEvent("mouseMoved", 1, 1))
	p.lacks(".card")

	at = p.middle("p kefu-citation button")
	p.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	p.shows(".card", say.quote)
	p.key(kb.Escape) // without moving the pointer or the focus
	p.lacks(".card")
	p.await("document.activeElement === document.querySelector('textarea')")
}

func TestAnInputMethodMayUseEnter(t *testing.T) {
	s := serve(t, "")
	p := open(t, view{locale: "zh-CN", width: 1100}, s.url)
	p.write("tuihuo")
	for _, enter := range []string{"isComposing: true", "keyCode: 229"} {
		js[bool](p, "document.querySelector('textarea').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true, "+enter+"}))")
	}
	p.do(chromedp.SetValue(chromedp.CSS("textarea"), "退货"))
	p.enter(chromedp.ModifierNone)
	p.await("document.querySelector('[role=status]').textContent !== ''")
	if got := s.questions(); len(got) != 1 || got[0] != "退货" {
		t.Errorf("asked %q, want 退货 alone", got)
	}
}
