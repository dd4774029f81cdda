package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/e2e"
)

func TestWhoIsSignedOutWhileWritingGoesOnAfterSigningIn(t *testing.T) {
	for locale, d := range duties() {
		t.Run(locale, func(t *testing.T) {
			site, server, link := shop(t, d)
			p := visit(t, view{locale, 360, true}, link, "main button.send")
			p.press("main button.send")
			p.press(".cards .row button")
			p.fill("textarea[name=answer]", d.reply)
			var list []struct{ ID string }
			if err := json.Unmarshal([]byte(site.Must("console", "sessions", "--json")), &list); err != nil {
				t.Fatal(err)
			}
			site.Must("console", "end", list[0].ID)
			admin := strings.TrimSpace(site.Must("keys", "create", "--role", "admin", "-q"))
			p.press(".editor .send")
			p.shows("dialog h2", d.signedOut)
			p.accessible()
			p.screenshot("console-over")
			p.fill("dialog input[name=key]", admin+kb.Enter)
			p.lacks("dialog")
			p.press(".editor .send")
			p.shows(".success", d.answeredNow)
			if a := server.Ask(d.unanswered); !strings.Contains(a.Answer, d.reply) {
				t.Errorf("a customer is told %+v", a)
			}
		})
	}
}

// Every text that somebody else wrote stays a text: questions, answers, names
// of files, documents, keys and tenants.
func TestWhatOthersWroteIsNeverMarkupInTheConsole(t *testing.T) {
	const hostile = `<img src=x onerror="window.harmed=1"><script>window.harmed=2</script> [bad](javascript:window.harmed=3)`
	site := e2e.NewSite(t)
	site.Write("docs/a.md", "---\ntitle: '"+hostile+"'\nurl: https://help.example.com/a\n---\n# "+hostile+"\n\nThe lamp `"+hostile+"` has a warranty.\n")
	site.Must("kb", "load", "docs")
	site.Must("keys", "create", "--role", "operator", "--name", hostile)
	site.Must("tenants", "create", "acme", "--name", hostile)
	server := site.Serve()
	server.Ask("Does " + hostile + " sail to Lisbon?")
	rated := server.Ask("How long is the warranty of the lamp?")
	opinion, err := json.Marshal(map[string]string{"rating": "down", "reason": "unclear", "comment": hostile})
	if err != nil {
		t.Fatal(err)
	}
	e2e.Eventually(t, "the answer is recorded, and rated", func() bool {
		resp, err := server.Client.Post(server.URL+"/v1/answers/"+rated.ID+"/feedback", "application/json", bytes.NewReader(opinion))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNoContent
	})
	p := visit(t, view{"en-GB", 1100, false}, strings.TrimSpace(site.Must("console", "link", "--url", server.URL, "-q")), "main button.send")
	p.press("main button.send")
	harmless := func(selector string) {
		t.Helper()
		p.shows(selector, "<script>")
		if n := js[int](p, "document.querySelectorAll('body :is(img, script, iframe, svg, style)').length"); n != 0 {
			t.Errorf("%s: %d elements came from text", selector, n)
		}
		if js[bool](p, "window.harmed !== undefined") {
			t.Errorf("%s: text from outside was carried out", selector)
		}
		bad := js[[]string](p, "[...document.querySelectorAll('main a')].map((a) => a.protocol).filter((p) => !['http:', 'https:'].includes(p))")
		if len(bad) != 0 {
			t.Errorf("%s: links lead to %v", selector, bad)
		}
	}
	harmless(".cards h3")
	p.opens("documents", "Documents")
	harmless("tbody a.title")
	p.press("tbody a.title")
	harmless(".passage")
	p.opens("search", "Try a search")
	p.fill("input[name=question]", "script warranty onerror"+kb.Enter)
	harmless(".passage")
	p.opens("answers", "Answers")
	harmless("tbody tr:last-child a.title")
	p.press("tbody tr:last-child a.title")
	p.shows("main h3", "How it came to be")
	harmless("main")
	p.opens("answers", "Answers")
	p.press("tbody tr:first-child a.title")
	p.shows("main", "did not help")
	harmless(".cards .passage")
	p.accessible()
	p.screenshot("console-rated")
	p.opens("keys", "Keys and tenants")
	harmless("tbody .title")
}

func TestFilesAreHandedInInTheBrowser(t *testing.T) {
	d := duties()["en-GB"]
	_, server, link := shop(t, d)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "mars.md"), filepath.Join(dir, "broken.csv")
	for file, text := range map[string]string{good: "# Delivery to Mars\n\nDelivery to Mars takes 9 months.\n", bad: "question,answer\n\"open"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := visit(t, view{"en-GB", 1100, false}, link, "main button.send")
	p.press("main button.send")
	p.opens("documents", d.documents)
	p.press("main > .page > details > summary")
	p.do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{good, bad}))
	p.press(".upload .send")
	p.shows("tbody tr:first-child", "broken.csv")
	p.shows(".state.failed", "failed")
	p.shows("tbody tr:first-child .reason", "CSV")
	p.shows("table", "mars.md")
	p.shows("[role=status]", "could not be read")
	p.accessible()
	p.screenshot("console-upload")
	if a := server.Ask("How long does delivery to Mars take?"); !strings.Contains(a.Answer, "9 months") {
		t.Errorf("a customer is told %+v", a)
	}
}

func TestAnAdministratorLooksAtEachTenantByItself(t *testing.T) {
	d := duties()["en-GB"]
	site, server, link := shop(t, d)
	site.Must("tenants", "create", "acme")
	site.Write("acme/mars.md", "# Mars\n\nAcme delivers to Mars.\n")
	site.Must("kb", "load", "acme", "--tenant", "acme")
	p := visit(t, view{"en-GB", 360, true}, link, "main button.send")
	p.press("main button.send")
	p.opens("documents", d.documents)
	p.await("document.querySelectorAll('tbody tr').length === 2")
	p.do(chromedp.Evaluate[chromedp.Void](`(() => {
		const tenant = document.querySelector('#who select');
		tenant.value = 'acme';
		tenant.dispatchEvent(new Event('change'));
	})()`))
	p.await("document.querySelectorAll('tbody tr').length === 1")
	p.shows("tbody tr", "Mars")
	p.accessible()
	p.screenshot("console-tenant")
	if a := server.Ask("Who delivers to Mars?"); a.Grounded {
		t.Errorf("a customer of the default tenant is told %+v", a)
	}

	asker := strings.TrimSpace(site.Must("keys", "create", "--tenant", "acme", "-q"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/query", strings.NewReader(`{"question":"Do you deliver to Venus?"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-Key", asker)
	resp, err := server.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	e2e.Eventually(t, "acme's question is listed, and the other tenant's is not", func() bool {
		p.press("nav a[href='#/gaps']")
		p.lacks(".wait")
		return js[string](p, "document.querySelector('.cards')?.innerText ?? ''") != "" && js[int](p, "document.querySelectorAll('.cards > li').length") == 1 &&
			js[string](p, "document.querySelector('.cards h3').textContent") == "Do you deliver to Venus?"
	})
	p.press(".cards .row button")
	p.fill("textarea[name=answer]", "Not before 2090")
	p.press(".editor .send")
	p.shows(".success", d.foundNow)
	p.shows(".success blockquote", "Not before 2090")
}

func TestALongQuestionLeavesRoomForTheOthers(t *testing.T) {
	d := duties()["en-GB"]
	site, server, link := shop(t, d)
	server.Ask(strings.Repeat("Does a zeppelin sail to Lisbon? ", 120))
	e2e.Eventually(t, "the question is a gap", func() bool { return strings.Contains(site.Must("kb", "gaps"), "zeppelin") })
	p := visit(t, view{"en-GB", 360, false}, link, "main button.send")
	p.press("main button.send")
	p.await(`[...document.querySelectorAll(".cards h3")].some((h) => h.innerText.includes("zeppelin"))`)
	const lines = 5.0
	if tall := js[float64](p, `Math.max(...[...document.querySelectorAll(".cards h3")].map((h) => h.clientHeight / parseFloat(getComputedStyle(h).lineHeight)))`); tall > lines {
		t.Errorf("a question takes %.1f lines of the list, want %.0f at most", tall, lines)
	}
}
