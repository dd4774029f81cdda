package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"kefu/internal/access"
	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/limit"
)

func TestVisitorsOfAWebsiteCannotSayWhoTheyAreOrChooseAModel(t *testing.T) {
	var got desk.Ask
	o := newOffice(t, answererFunc(func(_ context.Context, ask desk.Ask, _ desk.Emit) (desk.Answer, error) {
		got = ask
		return answer(), nil
	}))
	for field, body := range map[string]string{
		"user_id":  `{"question":"hi","user_id":"alice"}`,
		"model":    `{"question":"hi","model":"haiku","stream":true}`,
		"provider": `{"question":"hi","provider":"anthropic"}`,
	} {
		r := o.as(t, "widget", "POST", "/query", body)
		if p := r.problem(t); r.StatusCode != http.StatusForbidden || p.Code != "field_forbidden" || p.Field != field {
			t.Errorf("%s = %d %+v, want 403 field_forbidden", body, r.StatusCode, p)
		}
	}
	r := o.as(t, "widget", "POST", "/v1/answers/ans_1/feedback", `{"rating":"down","user_id":"alice"}`)
	if p := r.problem(t); p.Code != "field_forbidden" {
		t.Errorf("a rating in another's name = %+v, want field_forbidden", p)
	}
	if got.Text != "" {
		t.Errorf("%q was answered", got.Text)
	}
	if r := o.as(t, "widget", "POST", "/query", `{"question":"hi","conversation_id":"c"}`); r.StatusCode != http.StatusOK || got.Scope.User != desk.Anonymous || got.Conversation != "c" {
		t.Errorf("a plain question = %d as %+v", r.StatusCode, got)
	}
}

// counting is a Limiter that lets everybody pass.
type counting struct{ callers []limit.Caller }

func (c *counting) Enter(_ context.Context, caller limit.Caller, _ string) limit.Verdict {
	c.callers = append(c.callers, caller)
	return limit.Verdict{}
}

func TestVisitorsOfAWebsiteAreCountedByAddress(t *testing.T) {
	o, counted := newOffice(t, says(answer())), &counting{}
	f := serve(t, httpapi.Config{Keys: access.New(o.db, "", quietLog), Limiter: counted}, admits(says(answer())))
	for _, key := range []string{"widget", "ask"} {
		if r := f.query(t, `{"question":"hi"}`, "X-API-Key", o.keys[key]); r.StatusCode != http.StatusOK {
			t.Fatalf("as %s = %d", key, r.StatusCode)
		}
	}
	if got := counted.callers; len(got) != 2 || !got[0].Website || got[1].Website || got[0].Address != "127.0.0.1" {
		t.Errorf("counted as %+v, want the first as a website's visitor", got)
	}
}

func TestScriptsOfNamedWebsitesMayAskAndNothingElse(t *testing.T) {
	f := serve(t, httpapi.Config{Feedback: masked{}, Conversations: noConversations{}, Origins: []string{"https://shop.example.com", "https://*.shop.example"}}, says(answer()))
	for _, tt := range []struct {
		origin, path string
		allowed      bool
	}{
		{"https://shop.example.com", "/query", true},
		{"https://shop.example.com", "/v1/answers/ans_1/feedback", true},
		{"https://www.shop.example", "/query", true},
		{"https://shop.example.com", "/v1/conversations", false},
		{"https://shop.example.com", "/v1/answers/ans_1", false},
		{"https://evil.example", "/query", false},
		{"https://shop.example.com.evil.example", "/query", false},
		{"http://shop.example.com", "/query", false},
		{"null", "/query", false},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, tt.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Origin": tt.origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type",
		} {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		f.api.Handler().ServeHTTP(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); (got == tt.origin) != tt.allowed {
			t.Errorf("%s may ask %s: %q, want %t", tt.origin, tt.path, got, tt.allowed)
		}
		if w.Header().Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s may send cookies to %s", tt.origin, tt.path)
		}
	}
	r := f.query(t, `{"question":""}`, "Origin", "https://shop.example.com")
	if r.Header.Get("Access-Control-Allow-Origin") != "https://shop.example.com" {
		t.Error("the website cannot read why its question was refused")
	}
}
