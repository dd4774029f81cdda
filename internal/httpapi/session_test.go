package httpapi_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/limit"
)

// guest is a browser at the console.
type guest struct {
	*office
	cookie string // name=value
}

// link makes a sign-in link and returns its token.
func (o *office) link(t testing.TB, tenant desk.TenantID, role desk.Role, life time.Duration) string {
	t.Helper()
	token, err := o.db.Sessions().MakeLink(t.Context(), desk.Actor{Name: "test"}, desk.Link{Tenant: tenant, Role: role, Expires: time.Now().Add(life)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (o *office) signIn(t testing.TB, field, value string, headers ...string) reply {
	t.Helper()
	return o.do(t, "POST", "/v1/sessions", `{"`+field+`":"`+value+`"}`, headers...)
}

// admit signs in and returns the browser that did.
func (o *office) admit(t testing.TB, field, value string) guest {
	t.Helper()
	r := o.signIn(t, field, value)
	if r.StatusCode != http.StatusCreated || len(r.Cookies()) != 1 {
		t.Fatalf("sign in = %d %s", r.StatusCode, r.body)
	}
	return guest{o, r.Cookies()[0].Name + "=" + r.Cookies()[0].Value}
}

func (g guest) send(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	return g.do(t, method, path, body, append([]string{"Cookie", g.cookie, "X-Kefu-Console", "1"}, headers...)...)
}

func TestALinkSignsInOnceAndAsWhatItSays(t *testing.T) {
	o := newOffice(t, says(answer()))
	token := o.link(t, "acme", desk.RoleOperator, time.Minute)
	g := o.admit(t, "link", token)
	who := into[struct{ Tenant, Role string }](t, g.send(t, "GET", "/v1/session", ""), 200)
	if who.Tenant != "acme" || who.Role != "operator" {
		t.Errorf("signed in as %+v, want an operator of acme", who)
	}
	if p := o.signIn(t, "link", token).problem(t); p.Status != 401 || p.Code != "link_invalid" {
		t.Errorf("the second time = %+v, want link_invalid", p)
	}
	if p := o.signIn(t, "link", "made-up").problem(t); p.Code != "link_invalid" {
		t.Errorf("no link of ours = %+v", p)
	}
}

func TestOfManyWhoComeWithOneLinkOneGetsIn(t *testing.T) {
	o := newOffice(t, says(answer()))
	token := o.link(t, desk.DefaultTenant, desk.RoleAdmin, time.Minute)
	var in atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if o.signIn(t, "link", token).StatusCode == http.StatusCreated {
				in.Add(1)
			}
		})
	}
	all.Wait()
	if in.Load() != 1 {
		t.Errorf("%d got in, want 1", in.Load())
	}
}

func TestALinkThatHasExpiredIsRefused(t *testing.T) {
	o := newOffice(t, says(answer()))
	const life = 200 * time.Millisecond
	token := o.link(t, desk.DefaultTenant, desk.RoleAdmin, life)
	time.Sleep(life)
	if p := o.signIn(t, "link", token).problem(t); p.Code != "link_invalid" {
		t.Errorf("an expired link = %+v", p)
	}
}

func TestTheCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	o := newOffice(t, says(answer()))
	cookie := o.signIn(t, "key", o.keys["operator"]).Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Secure || cookie.MaxAge != 12*3600-1 {
		t.Errorf("cookie = %+v", cookie)
	}
	if len(cookie.Value) != 52 { // of 32 characters: 260 bits
		t.Errorf("secret of %d characters", len(cookie.Value))
	}
	cookie = o.signIn(t, "key", o.keys["operator"], "X-Forwarded-Proto", "https").Cookies()[0]
	if !cookie.Secure || cookie.Name != "__Host-kefu_session" {
		t.Errorf("over https, cookie = %+v, want it secure", cookie)
	}
}

func TestNoOtherPageActsForWhoIsSignedIn(t *testing.T) {
	o := newOffice(t, says(answer()))
	g := o.admit(t, "key", o.keys["admin"])
	write := func(headers ...string) reply {
		return g.send(t, "PUT", "/v1/budgets", `{"cap":1}`, headers...)
	}
	for name, headers := range map[string][]string{
		"a foreign origin":  {"Origin", "https://evil.example"},
		"another port":      {"Origin", "http://127.0.0.1:1"},
		"a sandboxed frame": {"Origin", "null"},
		"a foreign site":    {"Sec-Fetch-Site", "cross-site", "Origin", o.URL},
		"a sibling site":    {"Sec-Fetch-Site", "same-site"},
	} {
		if p := write(headers...).problem(t); p.Status != 403 || p.Code != "origin_foreign" {
			t.Errorf("%s = %+v, want origin_foreign", name, p)
		}
	}
	if r := write("Origin", o.URL); r.StatusCode != 200 {
		t.Errorf("the console's own origin = %d %s", r.StatusCode, r.body)
	}
	if r := write("Sec-Fetch-Site", "same-origin"); r.StatusCode != 200 {
		t.Errorf("the console itself = %d %s", r.StatusCode, r.body)
	}
	// A form cannot send the header, and a link is no console.
	for _, method := range []string{"GET", "PUT"} {
		if p := o.do(t, method, "/v1/budgets", "", "Cookie", g.cookie).problem(t); p.Code != "key_missing" {
			t.Errorf("%s without the console's header = %+v, want key_missing", method, p)
		}
	}
	for _, field := range []string{"key", "link"} { // nor is anybody signed in as somebody else
		if p := o.signIn(t, field, o.keys["admin"], "Origin", "https://evil.example").problem(t); p.Code != "origin_foreign" {
			t.Errorf("sign in by %s from a foreign page = %+v, want origin_foreign", field, p)
		}
	}
}

func TestASessionMayWhatItsRoleMayAndSeesItsTenantAlone(t *testing.T) {
	var asked desk.Scope
	o := newOffice(t, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		asked = ask.Scope
		return answer(), nil
	}))
	into[any](t, o.as(t, "operator", "POST", "/v1/documents", `{"name":"secret.md","text":"# Secret\n\nOf the default tenant.\n"}`), 201)
	mine := into[documentPage](t, o.as(t, "operator", "GET", "/v1/documents", ""), 200).Data[0]
	for name, g := range map[string]guest{
		"a key": o.admit(t, "key", o.keys["operator acme"]), "a link": o.admit(t, "link", o.link(t, "acme", desk.RoleOperator, time.Minute)),
	} {
		if list := into[documentPage](t, g.send(t, "GET", "/v1/documents?tenant=default", ""), 200).Data; len(list) != 0 {
			t.Errorf("by %s, another tenant's documents are listed: %+v", name, list)
		}
		if p := g.send(t, "GET", "/v1/documents/"+mine.ID, "").problem(t); p.Code != "document_not_found" {
			t.Errorf("by %s, another tenant's document = %+v", name, p)
		}
		if p := g.send(t, "GET", "/v1/keys", "").problem(t); p.Status != 403 {
			t.Errorf("by %s, an operator's keys = %+v, want 403", name, p)
		}
		into[any](t, g.send(t, "POST", "/query", `{"question":"hi"}`), 200)
		if asked.Tenant != "acme" || asked.Key == "" {
			t.Errorf("by %s, asked as %+v", name, asked)
		}
	}
	admin := o.admit(t, "link", o.link(t, desk.DefaultTenant, desk.RoleAdmin, time.Minute))
	if r := admin.send(t, "GET", "/v1/keys", ""); r.StatusCode != 200 {
		t.Errorf("an administrator's keys = %d", r.StatusCode)
	}
	into[any](t, admin.send(t, "POST", "/v1/documents", `{"name":"a.md","text":"# A\n\na"}`), 201)
	entries := into[struct {
		Entries []struct{ Actor, Action, Target string }
	}](t, admin.send(t, "GET", "/v1/audit", ""), 200).Entries
	if entries[0].Action != "POST /v1/documents" || !strings.HasPrefix(entries[0].Actor, "ses_") {
		t.Errorf("the audit log has %+v, want the session's upload", entries[0])
	}
}

func TestASessionEndsWithItsKeyBySigningOutAndBySigningInAgain(t *testing.T) {
	o := newOffice(t, says(answer()))
	refused := func(what string, g guest) {
		t.Helper()
		if p := g.send(t, "GET", "/v1/session", "").problem(t); p.Status != 401 || p.Code != "session_ended" {
			t.Errorf("%s: %+v, want session_ended", what, p)
		}
	}
	g := o.admit(t, "key", o.keys["operator"])
	again := o.signIn(t, "key", o.keys["operator"], "Cookie", g.cookie)
	refused("after signing in again", g)
	g.cookie = again.Cookies()[0].Name + "=" + again.Cookies()[0].Value

	out := g.send(t, "DELETE", "/v1/session", "")
	if out.StatusCode != http.StatusNoContent || out.Cookies()[0].MaxAge != -1 {
		t.Errorf("sign out = %d %v, want the cookie gone", out.StatusCode, out.Cookies())
	}
	refused("after signing out", g)

	made, secret, err := o.db.Keys().Create(t.Context(), desk.Actor{Name: "test"}, desk.Key{Tenant: desk.DefaultTenant, Role: desk.RoleOperator})
	if err != nil {
		t.Fatal(err)
	}
	g = o.admit(t, "key", secret)
	into[any](t, g.send(t, "GET", "/v1/session", ""), 200)
	if r := o.as(t, "admin", "DELETE", "/v1/keys/"+string(made.ID), ""); r.StatusCode != http.StatusNoContent {
		t.Fatal(r.body)
	}
	refused("after its key was revoked", g)
	g.cookie = "kefu_session=made-up"
	refused("a secret of nobody's", g)
}

func TestKeysThatMayOnlyAskDoNotOpenTheConsole(t *testing.T) {
	o := newOffice(t, says(answer()))
	for key, want := range map[string]string{"ask": "role_missing", "expired": "key_invalid", "revoked": "key_invalid"} {
		if p := o.signIn(t, "key", o.keys[key]).problem(t); p.Code != want {
			t.Errorf("key %s = %+v, want %s", key, p, want)
		}
	}
	for _, body := range []string{`{}`, `{"key":"a","link":"b"}`, `{"key":""}`, `{"key":"a","tenant":"acme"}`} {
		if p := o.do(t, "POST", "/v1/sessions", body).problem(t); p.Status != 400 {
			t.Errorf("%s = %+v, want 400", body, p)
		}
	}
}

func TestSigningInIsThrottled(t *testing.T) {
	o := newOffice(t, says(answer()))
	f := serve(t, httpapi.Config{Sessions: o.sessions, SignIns: limiter(t, limit.Config{Address: limit.Rates{Requests: 3}})}, says(answer()))
	for i := range 4 {
		r := f.do(t, "POST", "/v1/sessions", `{"link":"guess"}`)
		if p := r.problem(t); (p.Code == "rate_limited") != (i == 3) || i == 3 && r.Header.Get("Retry-After") == "" {
			t.Errorf("attempt %d = %+v, want the fourth to wait", i+1, p)
		}
	}
	if want := []string{"sign_in requests"}; !slices.Equal(f.observer.limited, want) {
		t.Errorf("observed %v, want %v", f.observer.limited, want)
	}
}
