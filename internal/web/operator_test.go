package web_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kefu/internal/e2e"
)

// duty is what an operator reads and writes in one language.
type duty struct {
	lang, signIn, gaps, handoffs, taken, written, answeredNow, foundNow, documents, releases, search, enters, answers, how, usage, keys, audit, keyOnce, signedOut, used string

	unanswered, reply, answered string
}

func duties() map[string]duty {
	return map[string]duty{
		"en-GB": {
			lang: "en", signIn: "Sign in", gaps: "Unanswered questions", handoffs: "Sent to a person", taken: "taken", written: "With a written answer since", answeredNow: "This is what a customer", foundNow: "finds first",
			documents: "Documents", releases: "Releases", search: "Try a search", enters: "shown to the model", answers: "Answers", how: "How it came to be",
			usage: "Usage and budgets", keys: "Keys and tenants", audit: "Who changed what", keyOnce: "shown this once", signedOut: "Sign in to the console", used: "used or has expired",
			unanswered: "Do you have a shop in Lisbon?", reply: "Yes, our shop in Lisbon is at Rua Augusta 12", answered: "How long is the warranty of the smart lamp?",
		},
		"zh-CN": {
			lang: "zh-CN", signIn: "登录", gaps: "未答问题", handoffs: "转人工的客户", taken: "已接手", written: "此后已写好答案", answeredNow: "现在客户问起", foundNow: "排在第一的是",
			documents: "文档", releases: "版本", search: "检索试验", enters: "会交给模型", answers: "回答", how: "回答的由来",
			usage: "用量与预算", keys: "密钥与租户", audit: "操作日志", keyOnce: "只显示这一次", signedOut: "登录控制台", used: "已被使用或已过期",
			unanswered: "你们在里斯本有门店吗？", reply: "有，里斯本门店位于奥古斯塔街 12 号", answered: "智能灯的保修期是多久？",
		},
	}
}

// shop is a running Kefu with a question that it could not answer.
func shop(t *testing.T, d duty) (site *e2e.Site, server *e2e.Server, link string) {
	t.Helper()
	site = e2e.NewSite(t).With("KEFU_WIDGET_IDENTITY_SECRET=" + testKey)
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
