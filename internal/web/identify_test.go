package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/web"
)

// members is a website whose customers sign in, in one browser.
type members struct {
	*tab
	site        *website
	desk        *scripted
	say         speech
	mine, other signer
}

// signer is the server of a website: of this one, or of another tenant's.
type signer struct{ key, secret string }

// signs is what a page gives to Kefu.identify.
func (s signer) signs(user string, life time.Duration) string {
	until := time.Now().Add(life)
	return fmt.Sprintf(`{user_id: %q, expires: %d, user_hash: %q}`, user, until.Unix(), access.SignUser(s.secret, desk.UserID(user), until))
}

// attributes is what the page's script tag says of who is signed in.
func (s signer) attributes(user string) string {
	if user == "" {
		return ""
	}
	until := time.Now().Add(time.Hour)
	return fmt.Sprintf(`data-user-id=%q data-expires="%d" data-user-hash=%q`, user, until.Unix(), access.SignUser(s.secret, desk.UserID(user), until))
}

// keySource holds the keys of websites.
type keySource []access.HashedKey

func (k keySource) Access(context.Context, int64) (access.Rules, bool, error) {
	return access.Rules{Version: 1, Keys: k, Asking: true}, true, nil
}

// newMembers shows a website where customer is signed in, "" for nobody.
func newMembers(t *testing.T, v view, customer string) *members {
	t.Helper()
	m := &members{say: speeches()[v.locale], site: newWebsite(t)}
	identities := access.NewIdentities(testKey)
	var keys keySource
	for tenant, into := range map[desk.TenantID]*signer{"shop": &m.mine, "other": &m.other} {
		key := desk.Key{ID: "key_" + desk.KeyID(tenant), Tenant: tenant, Role: desk.RoleWidget}
		*into = signer{access.NewSecret(), identities.Secret(key)}
		key.Prefix = access.Prefix(into.key)
		keys = append(keys, access.HashedKey{Key: key, Hash: access.Hash(into.key)})
	}
	// Any name below localhost is this machine.
	url := strings.Replace(m.site.URL, "127.0.0.1", "www.localhost", 1)
	m.desk = serveAt(t, httpapi.Config{
		Keys: access.New(keys, "", slog.New(slog.DiscardHandler)), Identities: identities,
		Widget: web.Widget(web.Face{}, []string{strings.ToUpper(strings.Replace(url, "www", "*", 1))}), Chat: web.Chat(web.Face{}),
	})
	m.site.kefu = strings.TrimSuffix(m.desk.url, "/")
	m.site.tag = fmt.Sprintf(`data-key=%q data-lang=%q`, m.mine.key, m.say.lang)
	m.site.as = m.mine.attributes
	m.tab = visit(t, v, url+"/?as="+customer, "h1")
	m.open()
	return m
}

// open opens the chat of a page that has come.
func (m *members) open() {
	m.Helper()
	m.await("window.Kefu !== undefined")
	js[bool](m.tab, "Kefu.open(), true")
	m.framed("document.activeElement?.matches('textarea')")
}

// goesTo is the next page of the website, where customer is signed in.
func (m *members) goesTo(customer string) {
	m.Helper()
	m.do(chromedp.Navigate(js[string](m.tab, "location.origin")+"/?as="+customer), chromedp.WaitVisible(chromedp.CSS("h1")))
	m.await("window.Kefu !== undefined")
}

// identify calls Kefu.identify with an expression, and returns when the chat
// has heard it: messages arrive in their order, and the one after it puts the
// cursor where the question goes.
func (m *members) identify(who string) {
	m.Helper()
	m.framed("document.activeElement.blur(), document.activeElement === document.body")
	js[bool](m.tab, "(Kefu.identify("+who+"), new Promise((soon) => setTimeout(() => soon(Kefu.open() ?? true))))")
	m.framed("document.activeElement.matches('textarea')")
}

// asks writes the question; it is answered, or refused with the words.
func (m *members) asks(words string) {
	m.Helper()
	m.framed("document.querySelector('textarea').focus(), document.activeElement.matches('textarea')")
	m.key(m.say.question)
	m.enter(chromedp.ModifierNone)
	m.told(words)
}

// told waits for the end of the last answer.
func (m *members) told(words string) {
	m.Helper()
	m.framed("(a => a && !a.ariaBusy && a.textContent.includes(" + quoted(words) + "))([...document.querySelectorAll('kefu-answer')].at(-1))")
}

// asked checks for whom the n-th question counted.
func (m *members) asked(n int, user desk.UserID) desk.Ask {
	m.Helper()
	if got := len(m.desk.questions()); got != n {
		m.Fatalf("%d questions were answered, want %d", got, n)
	}
	ask := m.desk.last()
	if ask.Scope.User != user || ask.Scope.Tenant != "shop" {
		m.Errorf("question %d counts for %+v, want %s", n, ask.Scope, user)
	}
	return ask
}

// bothViews are a wide page in English and a phone in Chinese.
var bothViews = []view{{"en-GB", 1100, false}, {"zh-CN", 360, true}}

func TestQuestionsCountForTheCustomerWhomTheWebsiteSignedFor(t *testing.T) {
	for _, v := range bothViews {
		t.Run(v.String(), func(t *testing.T) {
			m := newMembers(t, v, "alice")
			m.desk.plays(says(m.say.answer))
			m.asks(m.say.bold)
			hers := m.asked(1, "alice")
			m.framed("document.querySelector('[data-rating=up]').click(), true")
			m.framed("document.querySelector('.rating .more').textContent === " + quoted(m.say.thanks))
			m.desk.mu.Lock()
			if m.desk.rater != "alice" {
				t.Errorf("%q rated, want alice", m.desk.rater)
			}
			m.desk.mu.Unlock()

			m.identify(m.mine.signs("alice", time.Hour)) // the same again: nothing changes
			m.asks("…")
			if again := m.asked(2, "alice"); again.Conversation != hers.Conversation {
				t.Error("a new signature began a new conversation")
			}

			m.key(m.say.question) // written, and not sent
			m.identify(m.mine.signs("bob", time.Hour))
			m.framed("document.querySelector('h2').textContent === " + quoted(m.say.hello) + " && !document.querySelector('kefu-answer') && document.querySelector('textarea').value === ''")
			m.asks("…")
			his := m.asked(3, "bob")

			m.identify("null")
			m.framed("!document.querySelector('kefu-answer') && document.querySelector('.welcome').checkVisibility()")
			m.asks("…")
			if nobodys := m.asked(4, desk.Anonymous); his.Conversation == hers.Conversation || nobodys.Conversation == his.Conversation {
				t.Error("somebody else went on with a conversation")
			}
			m.framed("(" + audit + ").length === 0")
			m.screenshot("identify-nobody")
		})
	}
}

func TestACustomerWhoSignsInKeepsWhatTheySee(t *testing.T) {
	m := newMembers(t, bothViews[0], "")
	m.asks("…")
	before := m.asked(1, desk.Anonymous)
	m.key("and")
	m.identify("async () => (" + m.mine.signs("客户 42", time.Hour) + ")")
	m.framed("document.querySelectorAll('kefu-answer').length === 1 && document.querySelector('textarea').value === 'and'")
	m.asks("…")
	if m.asked(2, "客户 42").Conversation == before.Conversation {
		t.Error("the server was asked to go on with the conversation of nobody in particular")
	}
}

// identified is what the chat says of customers it does not know.
var identified = map[string]struct{ unrecognised, lapsed string }{
	"en-GB": {"could not confirm who you are", "sign-in has expired"},
	"zh-CN": {"无法确认您的身份", "登录状态已过期"},
}

func TestACustomerIsToldThatTheirSignatureIsRefused(t *testing.T) {
	for _, v := range bothViews {
		m, words := newMembers(t, v, ""), identified[v.locale]
		for name, tt := range map[string]struct{ who, words string }{
			"forged":           {fmt.Sprintf(`{user_id: "alice", expires: %d, user_hash: "%064d"}`, time.Now().Add(time.Hour).Unix(), 7), words.unrecognised},
			"unsigned":         {`{user_id: "alice"}`, words.unrecognised},
			"another user's":   {strings.Replace(m.mine.signs("alice", time.Hour), "alice", "bob", 1), words.unrecognised},
			"another tenant's": {m.other.signs("alice", time.Hour), words.unrecognised},
			"expired":          {m.mine.signs("alice", -time.Second), words.lapsed},
		} {
			t.Run(v.String()+" "+name, func(t *testing.T) {
				before := len(m.desk.questions())
				m.identify("null")
				m.identify(tt.who)
				m.asks(tt.words)
				m.framed("(" + audit + ").length === 0")
				m.screenshot("identify-" + strings.ReplaceAll(name, " ", "-"))
				if n := len(m.desk.questions()); n != before {
					t.Errorf("%d questions were answered", n-before)
				}
				m.framed("document.querySelector('kefu-answer .again').click(), true")
				m.told("…")
				m.asked(before+1, desk.Anonymous) // because the customer chose so
			})
		}
	}
}

func TestAnExpiredSignatureIsRenewedWhereTheWebsiteCan(t *testing.T) {
	m := newMembers(t, bothViews[0], "")
	js[bool](m.tab, `(window.told = 0, Kefu.identify(async () => [`+m.mine.signs("alice", -time.Second)+`, `+m.mine.signs("alice", time.Hour)+`][window.told++]), true)`)
	m.await("window.told === 1")
	m.asks("…") // without another word to the customer
	m.asked(1, "alice")
	if n := js[int](m.tab, "window.told"); n != 2 {
		t.Errorf("the website was asked %d times, want 2", n)
	}
	js[bool](m.tab, `(window.told = 0, Kefu.identify(async () => (window.told++, `+m.mine.signs("alice", -time.Second)+`)), true)`)
	m.await("window.told === 1")
	m.asks(identified["en-GB"].lapsed)
	m.await("window.told === 2")
	m.asks(identified["en-GB"].lapsed)
	m.await("window.told === 3") // once for each question, not for ever
	m.asked(1, "alice")
	js[bool](m.tab, `(console.warn = (text) => { window.warned = text }), Kefu.identify(() => { throw new Error("offline") }), true`)
	m.await("window.warned?.includes('cannot tell who asks')")
	js[bool](m.tab, `(window.warned = ''), Kefu.identify({id: 42}), true`)
	m.await("window.warned?.includes('cannot tell who asks')")
	m.framed("document.querySelectorAll('kefu-answer').length === 3") // the customer may still be there
}

func TestOnlyThePageAroundTheChatSaysWhoAsks(t *testing.T) {
	m := newMembers(t, bothViews[0], "")
	m.framed("postMessage({kefu: 'identify', customer: " + m.mine.signs("mallory", time.Hour) + "}, '*'), true") // not from the page
	m.asks("…")
	m.asked(1, desk.Anonymous)
}

func TestTheScriptTellsThePageThatItIsThere(t *testing.T) {
	m := newMembers(t, bothViews[0], "")
	call(m.tab, "listen", func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
			Source: "document.addEventListener('kefu:ready', () => { window.can = typeof Kefu.identify })",
		})
		return err
	})
	m.do(chromedp.Reload())
	m.await("window.can === 'function'")
}
