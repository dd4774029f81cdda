package web_test

import (
	"testing"

	"github.com/chromedp/chromedp"
)

func TestTheReferenceIsReadAndTriedOutUnderItsPolicy(t *testing.T) {
	s := serve(t, "")
	p := visit(t, view{"en-GB", 1100, false}, s.url+"docs", ".opblock-summary-path")
	if n := js[int](p, "document.querySelectorAll('.opblock').length"); n < 20 {
		t.Errorf("%d operations are shown", n)
	}
	p.do(chromedp.Click(chromedp.CSS(`[data-path="/health"]`)), chromedp.WaitVisible(chromedp.CSS(".try-out__btn")),
		chromedp.Click(chromedp.CSS(".try-out__btn")), chromedp.WaitVisible(chromedp.CSS(".execute")), chromedp.Click(chromedp.CSS(".execute")))
	p.await(`document.querySelector('.live-responses-table')?.textContent.includes('healthy')`)
}
