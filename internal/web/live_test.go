package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// liveWords are what the live section says in one language.
type liveWords struct {
	title, live, lost, paused, retry, open, unsaid string
	asks                                           [3]string
}

func inWords(locale string) liveWords {
	if locale == "zh-CN" {
		return liveWords{"正在发生", "实时", "已断开", "已暂停", "重试", "已断开", "保修", [3]string{"智能灯的保修期是多久？", "退货的期限是多少天，运费由谁承担？", "退货运费和退货期限分别是多少，为什么？"}}
	}
	return liveWords{"What happens now", "live", "disconnected", "paused", "tried again", "open", "warranty", [3]string{"How long is the warranty of the smart lamp?", "How do I return an item, and who pays the return shipping?", "What does return shipping cost, and why within 30 days?"}}
}

// watched is a running Kefu, its models' provider, and its live section shown
// through a proxy that can be cut.
func watched(t *testing.T, v view) (p *tab, server *e2e.Server, vendor *e2e.Vendor, proxy *e2e.Proxy) {
	t.Helper()
	vendor = e2e.NewVendor(t, llmsim.Config{})
	site := e2e.NewSite(t, append(vendor.Env(), "KEFU_MODELS_BACKOFF=200ms")...)
	site.Write("docs/faq.csv", "question,answer\nHow long is the warranty of the smart lamp?,The smart lamp has a warranty of 36 months.\n智能灯的保修期是多久？,智能灯保修 36 个月。\n")
	site.Write("docs/returns.md", "# Returns\n\nYou can return an item within 30 days of delivery.\n\n## Shipping\n\nReturn shipping costs 4.95 euros.\n")
	site.Must("kb", "load", "docs")
	server = site.Serve()
	proxy, address := e2e.NewProxy(t, server.URL)
	link := strings.TrimSpace(site.Must("console", "link", "--url", address, "-q"))
	p = visit(t, v, link, "main button.send")
	p.press("main button.send")
	p.opens("live", inWords(v.locale).title)
	p.shows(".live-bar .state", inWords(v.locale).live)
	return p, server, vendor, proxy
}

func TestAnAdministratorSeesWhatHappensAsItHappens(t *testing.T) {
	for _, v := range []view{{"en-GB", 1100, false}, {"en-GB", 360, true}, {"zh-CN", 1100, true}, {"zh-CN", 360, false}} {
		t.Run(v.String(), func(t *testing.T) {
			w := inWords(v.locale)
			p, server, vendor, proxy := watched(t, v)
			for range 2 {
				server.Ask(w.asks[0])
			}
			p.await("document.querySelectorAll('.event a').length === 3") // a call and two answers
			if said := js[string](p, "document.querySelector('main').textContent"); strings.Contains(said, w.unsaid) {
				t.Errorf("what a customer said is shown: %s", said)
			}
			vendor.Behave(llmsim.Config{Failures: llmsim.Failures{"503": 1}})
			server.Ask(w.asks[1])
			p.shows(".flow", w.retry)
			p.await("document.querySelectorAll('.flow .state.failed').length > 1 && document.querySelector('.flow a') !== null")
			server.Ask(w.asks[2])
			p.shows(".stages .state.failed", w.open)
			p.await("document.querySelector('.stages').textContent.includes('KefuBreakerOpen.md')")
			p.accessible()
			p.screenshot("live-flow")
			p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('.event').scrollIntoView({block: 'center'})"))
			p.screenshot("live-events")

			proxy.Cut()
			p.shows(".live-bar .state", w.lost)
			p.await("document.querySelector('.glance.stale') !== null")
			p.shows("[role=status]", w.lost)
			p.accessible()
			p.screenshot("live-lost")
			proxy.Link()
			p.shows(".live-bar .state", w.live)
			p.await("document.querySelector('.glance.stale') === null")
			server.Ask(w.asks[0])
			p.await("document.querySelectorAll('.event a').length >= 4")
		})
	}
}

func TestALiveSectionIsPausedNarrowedAndLeftByKeyboard(t *testing.T) {
	p, server, _, _ := watched(t, view{"en-GB", 1100, false})
	w := inWords("en-GB")
	server.Ask(w.asks[0])
	p.await("document.querySelectorAll('.event a').length > 0")
	shown := js[int](p, "document.querySelectorAll('.event').length")
	p.do(chromedp.Focus(chromedp.CSS(".live-bar button")), chromedp.KeyEvent(kb.Enter))
	p.shows(".live-bar .state", w.paused)
	server.Ask(w.asks[1])
	p.await("/Since then\\s*[1-9]/.test(document.querySelector('.live-bar').innerText)")
	if now := js[int](p, "document.querySelectorAll('.event').length"); now != shown {
		t.Errorf("%d events are shown while it is paused, want the %d before", now, shown)
	}
	p.accessible()
	p.screenshot("live-paused")
	p.key(kb.Enter)
	p.await("document.querySelectorAll('.event a').length > 1")

	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('select[name=kind]').value = 'route'; document.querySelector('select[name=kind]').dispatchEvent(new Event('change'))"))
	p.await("document.querySelectorAll('.event').length > 0 && [...document.querySelectorAll('.event strong')].every((e) => e.textContent === 'route')")
	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('select[name=kind]').value = ''; document.querySelector('select[name=kind]').dispatchEvent(new Event('change'))"))

	p.do(chromedp.Evaluate[chromedp.Void]("document.querySelector('.event a').focus(); window.held = document.activeElement"))
	server.Ask(w.asks[0]) // what is focused stays so while more arrives above it
	p.await("document.querySelector('.event a') !== window.held")
	if !js[bool](p, "document.activeElement === window.held") {
		t.Error("an event that arrived took the focus from another")
	}
	p.key(kb.Enter)
	p.shows("main h3", "How it came to be")
	heard := js[int](p, "performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/ops/events')).length")
	if heard != 1 {
		t.Errorf("%d streams have ended, want the one of the section that was left", heard)
	}
}

// What arrives faster than anybody reads is counted, shown in bounds and told
// to a screen reader now and then.
func TestALiveSectionUnderLoadStaysBounded(t *testing.T) {
	p, server, _, _ := watched(t, view{"en-GB", 1100, false})
	p.do(chromedp.Evaluate[chromedp.Void]("window.told = 0; new MutationObserver(() => window.told++).observe(document.querySelector('[role=status]'), { childList: true })"))
	began := time.Now()
	for range 120 { // each is two events or more
		server.Ask(inWords("en-GB").asks[0])
	}
	p.await("document.querySelectorAll('.event').length === 200")
	p.await("document.querySelectorAll('.event a').length >= 90")
	if told := js[int](p, "window.told"); told > 1+int(time.Since(began)/(10*time.Second)) {
		t.Errorf("a screen reader was told %d times in %s", told, time.Since(began))
	}
	p.screenshot("live-load")
}

func TestAnEventLeadsToTheAnswerOfItsTenant(t *testing.T) {
	d := duties()["en-GB"]
	site, server, link := shop(t, d)
	site.Must("tenants", "create", "acme")
	key := strings.TrimSpace(site.Must("keys", "create", "--tenant", "acme"))
	p := visit(t, view{"en-GB", 1100, false}, link, "main button.send")
	p.press("main button.send")
	p.opens("live", inWords("en-GB").title)
	p.shows(".live-bar .state", inWords("en-GB").live)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/query", strings.NewReader(`{"question":"Do you have a shop in Porto?"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := server.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	p.shows(".event:has(a) .pairs", "acme")
	p.screenshot("live-tenant")
	p.press(".event a[data-tenant=acme]")
	p.shows("main h3", d.how)
	p.await("document.querySelector('#who select').value === 'acme'")
}
