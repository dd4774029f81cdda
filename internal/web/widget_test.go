package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/desk"
)

// website is a page of somebody else, as strict as one can be, which shows the
// widget that tag describes.
type website struct {
	*httptest.Server
	tag, kefu string
	as        func(customer string) string // what the tag says of who ?as= names
}

func newWebsite(t *testing.T) *website {
	t.Helper()
	w := &website{as: func(string) string { return "" }}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		rw.Header().Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; img-src data:; script-src %s; frame-src %s; require-trusted-types-for 'script'; trusted-types 'none'", w.kefu, w.kefu))
		fmt.Fprintf(rw, `<!doctype html><html lang="de"><head><link rel="icon" href="data:,"><meta name="viewport" content="width=device-width"><title>Shop</title><script async src="%s/widget.js" %s></script></head><body><h1>Shop</h1></body></html>`, w.kefu, w.tag+" "+w.as(r.URL.Query().Get("as")))
	}))
	t.Cleanup(w.Close)
	return w
}

func TestTheChatIsShownOnAnotherWebsite(t *testing.T) {
	for _, v := range []view{{"en-GB", 1100, false}, {"zh-CN", 360, true}} {
		t.Run(v.String(), func(t *testing.T) {
			say := speeches()[v.locale]
			w := newWebsite(t)
			s := serve(t, testKey, w.URL)
			s.plays(says(say.answer))
			w.kefu, w.tag = strings.TrimSuffix(s.url, "/"), fmt.Sprintf(`data-key="%s" data-lang="%s" data-theme="dark"`, testKey, say.lang)
			p := visit(t, v, w.URL, "h1")
			p.await("window.Kefu !== undefined")
			p.screenshot("widget-closed")
			p.key(kb.Tab) // to the button: there is nothing else
			p.key(kb.Enter)
			p.framed("document.activeElement?.matches('textarea')")
			p.framed("document.querySelector('h2').textContent === " + quoted(say.hello))
			p.framed("getComputedStyle(document.body).backgroundColor === 'rgb(20, 23, 26)'") // dark, whatever the reader's system wants
			p.key(say.question)
			p.enter(chromedp.ModifierNone)
			p.framed("document.querySelector('kefu-answer .text')?.textContent.includes(" + quoted(say.bold) + ")")
			p.framed("document.querySelector('.rating') !== null")
			p.framed("(" + audit + ").length === 0")
			p.screenshot("widget-answer")
			if got := s.questions(); len(got) != 1 || got[0] != say.question {
				t.Errorf("asked %q, want %q with the website's key", got, say.question)
			}
			p.key(kb.Escape)
			p.await("document.activeElement.matches('kefu-widget')") // the button in it
			p.key(kb.Enter)
			p.framed("document.activeElement?.matches('textarea') && document.querySelectorAll('kefu-answer').length === 1") // the conversation goes on
			js[bool](p, "Kefu.close(), Kefu.open(), Kefu.toggle(), true")
			p.await("document.activeElement.matches('kefu-widget')")
		})
	}
}

func TestTheChatOnAPhoneIsClosedFromItsEnd(t *testing.T) {
	m := newMembers(t, view{"zh-CN", 360, false}, "")
	long := m.say.answer
	long.Text = desk.Masked(strings.Repeat(string(long.Text)+"\n\n", 6))
	for range 2 {
		m.desk.plays(says(long))
		m.asks(m.say.bold)
	}
	const rect = "getBoundingClientRect()"
	m.framed("document.documentElement.scrollTop > 400 && document.querySelector('header')." + rect + ".bottom < [...document.querySelectorAll('.question')].at(-1)." + rect + ".top")
	m.framed("(b => b.contains(document.elementFromPoint(b." + rect + ".x + 10, b." + rect + ".y + 10)))(document.getElementById('leave'))")
	m.framed("document.getElementById('leave').click(), true")
	m.await("document.activeElement.matches('kefu-widget')")
}

func TestAWebsiteThatIsNotNamedCannotShowTheChat(t *testing.T) {
	w := newWebsite(t)
	s := serve(t, "", "https://shop.example")
	w.kefu = strings.TrimSuffix(s.url, "/")
	p := visit(t, view{"en-GB", 1100, false}, w.URL, "h1")
	p.await("window.Kefu !== undefined")
	js[bool](p, "(console.warn = (text) => { window.warned = text }), Kefu.open(), true")
	p.await("window.warned?.includes(" + quoted("list "+w.URL+" in KEFU_WIDGET_ORIGINS") + ")")
	p.screenshot("widget-refused")
	if got := s.questions(); len(got) != 0 {
		t.Errorf("asked %q", got)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.mistakes) == 0 || !strings.Contains(p.mistakes[0], "frame-ancestors") {
		t.Errorf("the browser says %q, want that the frame was refused", p.mistakes)
	}
	p.mistakes = nil
}

// framed waits until an expression is true in the frame of the page.
func (p *tab) framed(expression string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		found, err := inFrame(ctx, expression)
		if found {
			return
		}
		last = err
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.screenshot("failed")
			p.Fatalf("waiting in the frame for %s: %v", expression, last)
		}
	}
}

func inFrame(ctx context.Context, expression string) (bool, error) {
	tree, err := chromedp.Call(ctx, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return false, err
	}
	if len(tree.FrameTree.ChildFrames) == 0 {
		return false, fmt.Errorf("there is no frame")
	}
	world, err := chromedp.Call(ctx, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: tree.FrameTree.ChildFrames[0].Frame.ID})
	if err != nil {
		return false, err
	}
	yes := true
	got, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ContextID: world.ExecutionContextID, ReturnByValue: &yes})
	if err != nil {
		return false, err
	}
	if got.ExceptionDetails != nil {
		return false, fmt.Errorf("%s", got.ExceptionDetails.Text)
	}
	var found bool
	return found, json.Unmarshal(got.Result.Value, &found)
}
