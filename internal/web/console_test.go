package web_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"kefu/internal/e2e"
)

// duty is what an operator reads and writes in one language.
type duty struct {
	lang, signIn, gaps, written, answeredNow, foundNow, documents, releases, search, enters, answers, how, usage, keys, audit, keyOnce, signedOut, used string

	unanswered, reply, answered string
}

func duties() map[string]duty {
	return map[string]duty{
		"en-GB": {
			lang: "en", signIn: "Sign in", gaps: "Unanswered questions", written: "With a written answer since", answeredNow: "This is what a customer", foundNow: "finds first",
			documents: "Documents", releases: "Releases", search: "Try a search", enters: "shown to the model", answers: "Answers", how: "How it came to be",
			usage: "Usage and budgets", keys: "Keys and tenants", audit: "Who changed what", keyOnce: "shown this once", signedOut: "Sign in to the console", used: "used or has expired",
			unanswered: "Do you have a shop in Lisbon?", reply: "Yes, our shop in Lisbon is at Rua Augusta 12", answered: "How long is the warranty of the smart lamp?",
		},
		"zh-CN": {
			lang: "zh-CN", signIn: "登录", gaps: "未答问题", written: "此后已写好答案", answeredNow: "现在客户问起", foundNow: "排在第一的是",
			documents: "文档", releases: "版本", search: "检索试验", enters: "会交给模型", answers: "回答", how: "回答的由来",
			usage: "用量与预算", keys: "密钥与租户", audit: "操作日志", keyOnce: "只显示这一次", signedOut: "登录控制台", used: "已被使用或已过期",
			unanswered: "你们在里斯本有门店吗？", reply: "有，里斯本门店位于奥古斯塔街 12 号", answered: "智能灯的保修期是多久？",
		},
	}
}

// shop is a running Kefu with a question that it could not answer.
func shop(t *testing.T, d duty) (site *e2e.Site, server *e2e.Server, link string) {
	t.Helper()
	site = e2e.NewSite(t)
	site.Write("docs/faq.csv", "question,answer\nHow long is the warranty of the smart lamp?,The smart lamp has a warranty of 36 months.\n智能灯的保修期是多久？,智能灯保修 36 个月。\n")
	site.Write("docs/returns.md", "# Returns\n\nYou can return an item within 30 days of delivery.\n\n## Shipping\n\nReturn shipping costs 4.95 euros.\n")
	site.Must("kb", "load", "docs")
	server = site.Serve()
	link = strings.TrimSpace(server.Log.Await(t, server.URL+"/console#link="))
	link = link[strings.Index(link, "http"):]
	if a := server.Ask(d.unanswered); a.Grounded {
		t.Fatalf("%s was answered: %+v", d.unanswered, a)
	}
	if a := server.Ask(d.answered); !a.Grounded {
		t.Fatalf("%s was not answered: %+v", d.answered, a)
	}
	return site, server, link
}

// opens goes to a section and waits for it.
func (p *tab) opens(section, title string) {
	p.Helper()
	p.press("nav a[href='#/" + section + "']")
	p.shows("h2", title)
	p.lacks(".wait")
	p.accessible()
	p.screenshot("console-" + section)
}

func (p *tab) fill(selector, text string) {
	p.Helper()
	p.await("document.querySelector(" + quoted(selector) + ")?.checkVisibility()")
	p.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

func TestAnOperatorSignsInAndAnswersWhatWasNot(t *testing.T) {
	for locale, d := range duties() {
		for _, v := range []view{{locale, 1100, false}, {locale, 360, true}, {locale, 1100, true}, {locale, 360, false}} {
			t.Run(v.String(), func(t *testing.T) {
				_, server, link := shop(t, d)
				p := visit(t, v, link, "main button.send")
				if hash := js[string](p, "location.href"); hash != server.URL+"/console" {
					t.Errorf("the address bar shows %s, want it without the token", hash)
				}
				p.shows("main button.send", d.signIn)
				p.accessible()
				p.screenshot("console-signin")
				p.key(kb.Enter) // the button has the focus
				p.shows("h2", d.gaps)
				if lang := js[string](p, "document.documentElement.lang"); lang != d.lang {
					t.Errorf("lang = %s, want %s", lang, d.lang)
				}
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
					t.Errorf("a customer is told %+v", a)
				}
				p.do(chromedp.Reload())
				p.shows("details summary", d.written)

				p.opens("answers", d.answers)
				p.press("tbody tr:nth-child(2) a.title") // what was answered at once
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
					t.Errorf("after the document was deleted a customer is told %+v", a)
				}

				p.opens("releases", d.releases)
				p.press("tbody tr:nth-child(2) button")
				p.press("dialog .row button:first-child")
				p.await("document.querySelectorAll('tbody tr').length === 4 && !document.querySelector('dialog')")
				if a := server.Ask(d.unanswered); !a.Grounded {
					t.Errorf("after going back a customer is told %+v", a)
				}

				p.opens("usage", d.usage)
				p.opens("audit", d.audit)
				p.shows("table", "session.open")
				p.opens("keys", d.keys)
				p.press("main > .page > details:first-of-type > summary")
				p.screenshot("console-newkey")
			})
		}
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

			id := regexp.MustCompile(`key_\S+`).FindString(site.Must("keys", "list"))
			site.Must("keys", "revoke", id)
			e2e.Eventually(t, 10*time.Second, "the session has ended with its key", func() bool {
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
	e2e.Eventually(t, 10*time.Second, "the answer is recorded, and rated", func() bool {
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
	for file, text := range map[string]string{good: "# Mars\n\nWe deliver to Mars in 9 months.\n", bad: "question,answer\n\"open"} {
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
	e2e.Eventually(t, 10*time.Second, "acme's question is listed, and the other tenant's is not", func() bool {
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
