package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/e2e"
)

func TestAnOperatorSignsInAndAnswersWhatWasNot(t *testing.T) {
	for _, v := range []view{{"en-GB", 1100, false}, {"en-GB", 360, true}, {"zh-CN", 1100, true}, {"zh-CN", 360, false}} {
		t.Run(v.String(), func(t *testing.T) {
			d := duties()[v.locale]
			_, server, link := shop(t, d)
			p := visit(t, v, link, "main button.send")
			p.signsIn(d, server)
			p.answersWhatWasNot(d, server)
			p.looksAfterAHandoff(d)
			p.seesHowAnswersCameToBe(d)
			p.takesItBackAndReturnsToIt(d, server)
			p.opens("usage", d.usage)
			p.opens("audit", d.audit)
			p.shows("table", "session.open")
			p.opens("keys", d.keys)
			p.press("main > .page > details:first-of-type > summary")
			p.screenshot("console-newkey")
		})
	}
}

// signsIn spends the link that was opened.
func (p *tab) signsIn(d duty, server *e2e.Server) {
	p.Helper()
	if address := js[string](p, "location.href"); address != server.URL+"/console" {
		p.Errorf("the address bar shows %s, want it without the token", address)
	}
	p.shows("main button.send", d.signIn)
	p.accessible()
	p.screenshot("console-signin")
	p.key(kb.Enter) // the button has the focus
	p.shows("h2", d.gaps)
	if lang := js[string](p, "document.documentElement.lang"); lang != d.lang {
		p.Errorf("lang = %s, want %s", lang, d.lang)
	}
}

func (p *tab) answersWhatWasNot(d duty, server *e2e.Server) {
	p.Helper()
	p.shows(".cards h3", d.unanswered)
	p.accessible()
	p.screenshot("console-gaps")
	p.press(".cards .row button")
	p.fill("textarea[name=answer]", d.reply)
	p.accessible()
	p.screenshot("console-write")
	p.press(".editor .send")
	p.shows(".success", d.answeredNow)
	p.shows(".success blockquote", d.reply)
	p.shows("[role=status]", d.answeredNow)
	p.accessible()
	p.screenshot("console-answered")
	if a := server.Ask(d.unanswered); !a.Grounded || !strings.Contains(a.Answer, d.reply) {
		p.Errorf("a customer is told %+v", a)
	}
	p.do(chromedp.Reload())
	p.shows("details summary", d.written)
}

// looksAfterAHandoff takes the customer whose question had no answer, and sees
// what was said to them.
func (p *tab) looksAfterAHandoff(d duty) {
	p.Helper()
	p.opens("handoffs", d.handoffs)
	p.shows(".cards h3 a", d.unanswered)
	p.press(".cards .row button:first-child")
	p.await("document.querySelector('.cards .state').textContent === " + quoted(d.taken) + " && document.activeElement.matches('.card-box')")
	p.shows("[role=status]", d.taken)
	p.shows(".cards .pairs", "ses_")
	p.accessible()
	p.press(".cards h3 a")
	p.shows("ol.cards .asks", d.unanswered)
	p.accessible()
	p.screenshot("console-handoff")
	p.press(".page > .card-box .row button:first-child")
	p.await("document.querySelector('.page > .card-box .state.ready') !== null")
	p.press("nav a[href='#/handoffs']")
	p.shows(".empty", "")
	p.accessible()
}

func (p *tab) seesHowAnswersCameToBe(d duty) {
	p.Helper()
	p.opens("answers", d.answers)
	p.await("[...document.querySelectorAll('tbody a.title')].some((a) => a.textContent === " + quoted(d.answered) + " && (a.id = 'answered'))")
	p.press("#answered")
	p.shows("main h3", d.how)
	p.shows("blockquote", "36")
	p.accessible()
	p.screenshot("console-trace")
	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('.steps > li:last-child').scrollIntoView({block: 'end'})"))
	p.screenshot("console-trace-end")

	p.opens("search", d.search)
	p.fill("input[name=question]", d.answered+kb.Enter)
	p.await("document.querySelector('.state.ready')?.textContent === " + quoted(d.enters))
	p.accessible()
	p.screenshot("console-found")
}

// takesItBackAndReturnsToIt deletes the answer that was written, and goes back
// to the release that has it.
func (p *tab) takesItBackAndReturnsToIt(d duty, server *e2e.Server) {
	p.Helper()
	p.opens("documents", d.documents)
	p.await("document.querySelectorAll('tbody tr').length === 3")
	p.press("tbody tr:first-child a.title") // by source: console
	p.shows(".passage", d.reply)
	p.accessible()
	p.screenshot("console-document")
	p.press("main button.danger")
	p.await("document.activeElement.closest('dialog') !== null")
	p.accessible()
	p.screenshot("console-sure")
	p.press("dialog .danger")
	p.await("document.querySelectorAll('tbody tr').length === 2")
	if a := server.Ask(d.unanswered); a.Grounded {
		p.Errorf("after the document was deleted a customer is told %+v", a)
	}
	p.opens("releases", d.releases)
	p.press("tbody tr:nth-child(2) button")
	p.press("dialog .row button:first-child")
	p.await("document.querySelectorAll('tbody tr').length === 4 && !document.querySelector('dialog')")
	if a := server.Ask(d.unanswered); !a.Grounded {
		p.Errorf("after going back a customer is told %+v", a)
	}
}

func TestAKeySignsInAndOutAndEndsTheSession(t *testing.T) {
	for locale, d := range duties() {
		t.Run(locale, func(t *testing.T) {
			site, server, link := shop(t, d)
			p := visit(t, view{locale, 360, false}, link, "main button.send")
			p.press("main button.send")
			p.shows("h2", d.gaps)
			p.opens("keys", d.keys)
			p.press("main > .page > details:first-of-type > summary")
			p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('select[name=role]').value = 'widget'"))
			p.fill("input[name=name]", "website"+kb.Enter)
			p.shows(".success", server.URL+"/widget.js")
			p.shows("tbody td:first-child", "website")
			website := regexp.MustCompile(`(?m)^(key_\S+).*website`).FindStringSubmatch(site.Must("keys", "list"))[1]
			signing := strings.TrimSpace(site.Must("keys", "secret", website))
			p.shows(".success code", signing)
			js[bool](p, "(navigator.clipboard.writeText = async (text) => { window.copied = text }), true")
			p.press(".success button") // the last
			p.await("window.copied === " + quoted(signing))
			js[bool](p, "document.querySelectorAll('.success button')[1].click(), true")
			p.await("window.copied.startsWith('<script async') && window.copied.endsWith('</script>')")
			p.accessible()
			p.screenshot("console-widget")
			p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('select[name=role]').value = 'operator'"))
			p.fill("input[name=name]", "desk"+kb.Enter)
			p.shows(".success", d.keyOnce)
			p.shows("tbody td:first-child", "desk")
			p.accessible()
			p.screenshot("console-key")
			secret := js[string](p, "document.querySelector('.success code').textContent")

			p.press("#out")
			p.shows("h2", d.signedOut)
			p.accessible()
			p.screenshot("console-signedout")
			p.fill("input[name=key]", "kefu_wrong"+kb.Enter)
			p.await("document.querySelector('.failed') !== null")
			p.accessible()
			p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('input[name=key]').value = ''"))
			p.fill("input[name=key]", secret+kb.Enter)
			p.shows("h2", d.gaps)
			if js[bool](p, "document.querySelector('nav a[href=\"#/keys\"]') !== null") {
				t.Error("an operator is offered the keys")
			}
			if js[string](p, "document.cookie") != "" {
				t.Error("a script can read the session")
			}

			id := regexp.MustCompile(`(?m)^(key_\S+).*desk`).FindStringSubmatch(site.Must("keys", "list"))[1]
			site.Must("keys", "revoke", id)
			e2e.Eventually(t, "the session has ended with its key", func() bool {
				p.do(chromedp.Evaluate[chromedp.Void]("dispatchEvent(new Event('hashchange'))"))
				return js[bool](p, "document.querySelector('input[name=key]') !== null")
			})
			p.shows("h2", d.signedOut)

			used := visit(t, view{locale, 1100, false}, link, "main button.send") // in another browser
			used.press("main button.send")
			used.shows(".failed", d.used)
			used.accessible()
			used.screenshot("console-usedlink")
			if status, _ := server.Get("/v1/documents"); status != http.StatusUnauthorized {
				t.Errorf("documents without a session = %d, want 401", status)
			}
		})
	}
}

func TestTheConsoleIsWorkedByKeyboardInEitherLanguage(t *testing.T) {
	d, other := duties()["en-GB"], duties()["zh-CN"]
	_, server, link := shop(t, d)
	p := visit(t, view{"en-GB", 1100, false}, link, "main button.send")
	focused := func(selector string) {
		t.Helper()
		p.await("document.activeElement.matches(" + quoted(selector) + ")")
	}
	focused("main button.send")
	p.key(kb.Enter)
	focused("h2") // from where a screen reader reads on
	p.key(kb.Tab) // what was said
	p.key(kb.Tab)
	focused(".cards .row button")
	p.key(kb.Enter)
	focused("textarea[name=answer]")
	p.key(d.reply)
	p.key(kb.Tab)
	p.key(kb.Tab)
	focused(".editor .send")
	p.key(kb.Enter)
	focused(".success")

	p.do(chromedp.Focus(chromedp.CSS("nav a[href='#/documents']")), chromedp.KeyEvent(kb.Enter))
	p.shows("h2", d.documents)
	focused("h2")
	p.do(chromedp.Focus(chromedp.CSS("tbody a.title")), chromedp.KeyEvent(kb.Enter))
	p.shows(".passage", d.reply)
	p.do(chromedp.Focus(chromedp.CSS("main button.danger")), chromedp.KeyEvent(kb.Enter))
	focused("dialog button")
	p.key(kb.Escape)
	p.await("!document.querySelector('dialog')")
	focused("main button.danger")
	if a := server.Ask(d.unanswered); !a.Grounded {
		t.Errorf("Escape deleted the document: %+v", a)
	}

	p.do(chromedp.Focus(chromedp.CSS("#language")), chromedp.KeyEvent(kb.Enter))
	p.shows("h2", other.documents)
	p.await("/前|现在/.test(document.querySelector('time').textContent)")
	p.accessible()
	p.do(chromedp.Reload())
	p.shows("h2", other.documents) // it is remembered
	p.shows(".passage", d.reply)

	// Whoever moves on while a section loads keeps their place.
	js[bool](p, "((real, held) => { fetch = (...call) => held.then(() => real(...call)); })(fetch, new Promise((go) => { window.go = go; })), true")
	p.do(chromedp.Focus(chromedp.CSS("nav a[href='#/documents']")), chromedp.KeyEvent(kb.Enter))
	p.shows("main .wait", "")
	p.do(chromedp.Focus(chromedp.CSS(".skip")))
	js[bool](p, "window.go(), true")
	p.shows("tbody a.title", "")
	focused(".skip")
	p.await("document.querySelector('.skip').getBoundingClientRect().left > 0")
	p.screenshot("console-skip")
}
