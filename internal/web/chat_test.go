package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/web"
)

// act is how the scripted desk treats one question.
type act func(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error)

// scripted is a desk behind the real HTTP edge: it plays its acts in turn.
type scripted struct {
	url     string
	proceed chan struct{} // lets a pause end
	left    chan error    // why a paused question was given up

	mu    sync.Mutex
	acts  []act
	asked []desk.Ask
}

type silent struct{}

func (silent) InFlight(int)                               {}
func (silent) Request(string, string, int, time.Duration) {}
func (silent) Error(context.Context, error)               {}

const testKey = "0123456789abcdef0123456789abcdef"

func serve(t *testing.T, key string) *scripted {
	t.Helper()
	s := &scripted{proceed: make(chan struct{}), left: make(chan error, 1)}
	api := httpapi.New(httpapi.Config{APIKey: key, Chat: web.Chat(), Logger: slog.New(slog.DiscardHandler)}, s, silent{})
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	s.url = server.URL + "/"
	return s
}

func (s *scripted) plays(acts ...act) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts = append(s.acts, acts...)
}

func (s *scripted) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, ask := range s.asked {
		texts = append(texts, ask.Text)
	}
	return texts
}

func (s *scripted) Answer(ctx context.Context, ask desk.Ask, emit desk.Emit) (desk.Answer, error) {
	s.mu.Lock()
	s.asked = append(s.asked, ask)
	var next act = says(desk.Answer{Text: "…"})
	if len(s.acts) > 0 {
		next, s.acts = s.acts[0], s.acts[1:]
	}
	s.mu.Unlock()
	return next(ctx, ask, emit)
}

// pause waits for the test, or for the customer to leave.
func (s *scripted) pause(ctx context.Context) error {
	select {
	case <-s.proceed:
		return nil
	case <-ctx.Done():
		select {
		case s.left <- ctx.Err():
		default: // nobody asked about an earlier one
		}
		return ctx.Err()
	}
}

func (s *scripted) resume(t *testing.T) {
	t.Helper()
	select {
	case s.proceed <- struct{}{}:
	case <-time.After(patience):
		t.Fatal("no question is waiting")
	}
}

// says streams an answer in one piece, as a cache does.
func says(a desk.Answer) act {
	return func(_ context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		events := []desk.Event{{Type: desk.EventMeta, Answer: &a}, {Type: desk.EventDelta, Text: string(a.Text)}}
		for i := range a.Citations {
			events = append(events, desk.Event{Type: desk.EventCitation, Citation: &a.Citations[i]})
		}
		if a.Handoff != nil {
			events = append(events, desk.Event{Type: desk.EventHandoff, Handoff: a.Handoff})
		}
		for _, e := range append(events, desk.Event{Type: desk.EventUsage, Answer: &a}) {
			if err := emit(e); err != nil {
				return desk.Answer{}, err
			}
		}
		return a, nil
	}
}

func fails(kind desk.Kind) act {
	return func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
		return desk.Answer{}, &desk.Error{Kind: kind, Code: "scripted"}
	}
}

// slowly streams an answer with a pause before the first delta and after the
// half of it.
func (s *scripted) slowly(a desk.Answer) act {
	return func(ctx context.Context, _ desk.Ask, emit desk.Emit) (desk.Answer, error) {
		_ = emit(desk.Event{Type: desk.EventMeta, Answer: &a})
		_ = emit(desk.Event{Type: desk.EventStatus, Text: "searching"})
		text := []rune(string(a.Text))
		for _, part := range []string{string(text[:len(text)/2]), string(text[len(text)/2:])} {
			if err := s.pause(ctx); err != nil {
				return desk.Answer{}, err
			}
			_ = emit(desk.Event{Type: desk.EventDelta, Text: part})
		}
		for i := range a.Citations {
			_ = emit(desk.Event{Type: desk.EventCitation, Citation: &a.Citations[i]})
		}
		return a, s.pause(ctx)
	}
}

// speech is a conversation in one language, as the page and the desk word it.
type speech struct {
	lang, hello, disclosure, searching, stopped, again, retry, unavailable, offline, automatic, degraded, person, complete, other string

	question, begin, bold, title, quote, unknown, offer string
	answer                                              desk.Answer
}

func speeches() map[string]speech {
	english := speech{
		lang: "en", hello: "How can we help?", disclosure: "automated assistant", searching: "Searching the knowledge base…",
		stopped: "Stopped.", again: "Ask again", retry: "Try again", unavailable: "not available", offline: "without an AI model", automatic: "Automatic reply",
		degraded: "usual model cannot be reached", person: "Talk to a person", complete: "Answer: ", other: "中文",
		question: "How long do I have to return a product?", begin: "You can return it within", bold: "30 days", title: "Returns and refunds",
		quote: "You may return most new, unopened items within 30 days of delivery.", unknown: "I could not find this in the knowledge base.",
		offer: "If you would like to talk to a person, write to help@shop.example.",
	}
	english.answer = desk.Answer{Text: "You can return it within **30 days** of delivery [1].\n\n- Unopened items are refunded in full.\n- Shipping is free [1] for faulty ones [2].", Lang: desk.English}
	chinese := speech{
		lang: "zh-CN", hello: "您好，需要什么帮助？", disclosure: "自动客服助手", searching: "正在查找知识库…",
		stopped: "已停止。", again: "重新提问", retry: "重试", unavailable: "暂时不可用", offline: "未使用 AI 模型", automatic: "自动回复",
		degraded: "暂时无法使用常用模型", person: "联系人工客服", complete: "回答：", other: "English",
		question: "签收后多少天内可以退货？", begin: "您可以在签收后", bold: "30 天", title: "退货与退款",
		quote: "大多数未拆封的新商品可在签收后 30 天内退货。", unknown: "知识库中没有找到答案。",
		offer: "如需人工帮助，您可以发邮件至 help@shop.example。",
	}
	chinese.answer = desk.Answer{Text: "您可以在签收后 **30 天**内退货 [1]。\n\n1. 未拆封的商品全额退款。\n2. 有质量问题的商品 [2]，运费由我们承担 [1]。", Lang: desk.Chinese}
	all := map[string]speech{"en-GB": english, "zh-CN": chinese}
	for locale, s := range all {
		s.answer.ID, s.answer.Grounded, s.answer.Provider, s.answer.Model = "ans_1", true, "offline", "offline-extractive"
		s.answer.Citations = []desk.Citation{
			{Index: 1, Document: "returns", Title: s.title, URL: "https://shop.example/returns", Quote: s.quote},
			{Index: 2, Document: "faulty", Title: s.title + " 2", Quote: s.quote},
		}
		all[locale] = s
	}
	return all
}

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

func handsOff(p *tab, s *scripted, say speech) {
	s.plays(says(desk.Answer{
		Text: desk.Masked(say.unknown), Lang: say.answer.Lang, Provider: "openai", Model: "gpt-6-luna",
		Handoff: &desk.Handoff{Reason: desk.HandoffNoAnswer, Contact: desk.Contact{
			URL: "https://shop.example/contact", Email: "help@shop.example", Phone: "+86 10 1234 5678", Message: say.offer,
		}},
	}))
	p.ask(say.question)
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

	for range 2 { // over the source that has a page to the last citation
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
