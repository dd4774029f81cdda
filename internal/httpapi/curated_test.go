package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
)

type shownPair struct {
	ID, Question, Answer, URL, Lang, Flag string
	Revision                              int
}

type pairPage struct {
	Data       []shownPair
	NextCursor *string `json:"next_cursor"`
}

func TestACuratedAnswerIsWrittenChangedAndDeleted(t *testing.T) {
	o := newOffice(t, says(answer()))
	r := o.as(t, "operator", "POST", "/v1/curated", `{"question":"Can I  pay\nwith Bitcoin?","answer":"No, \"by card\" or bank transfer.\n\nSoon, perhaps.","url":"https://shop.example/pay"}`)
	p := into[shownPair](t, r, http.StatusCreated)
	if p.Question != "Can I pay with Bitcoin?" || p.Answer != "No, \"by card\" or bank transfer.\n\nSoon, perhaps." || p.URL != "https://shop.example/pay" || p.Lang != "en" || p.Revision == 0 {
		t.Errorf("made %+v", p)
	}
	if r.Header.Get("Location") != "/v1/curated/"+p.ID {
		t.Errorf("location = %s", r.Header.Get("Location"))
	}
	again := into[shownPair](t, o.as(t, "operator", "POST", "/v1/curated", `{"question":"Can I pay with Bitcoin?","answer":"By card only."}`), http.StatusOK)
	if again.ID != p.ID || again.Answer != "By card only." || again.URL != "" {
		t.Errorf("to the same question = %+v, want it in place of the former", again)
	}
	changed := into[shownPair](t, o.as(t, "operator", "PUT", "/v1/curated/"+p.ID, `{"question":"可以用比特币付款吗？","answer":"不可以。"}`), http.StatusOK)
	if changed.ID != p.ID || changed.Question != "可以用比特币付款吗？" || changed.Lang != "zh" {
		t.Errorf("changed = %+v", changed)
	}
	former := into[shownPair](t, o.as(t, "operator", "POST", "/v1/curated", `{"question":"Can I pay with Bitcoin?","answer":"No.","lang":"en"}`), http.StatusCreated)
	if former.ID == p.ID {
		t.Error("the question that was reworded came back over what it became")
	}
	if c := o.as(t, "operator", "PUT", "/v1/curated/"+p.ID, `{"question":"Can I pay with Bitcoin?","answer":"Yes."}`).problem(t); c.Code != "curated_exists" || c.Status != http.StatusConflict {
		t.Errorf("a question that another has = %+v", c)
	}
	if got := into[shownPair](t, o.as(t, "operator", "GET", "/v1/curated/"+p.ID, ""), 200); got != changed {
		t.Errorf("shown = %+v, want %+v", got, changed)
	}
	first := into[pairPage](t, o.as(t, "operator", "GET", "/v1/curated?limit=1", ""), 200)
	if first.NextCursor == nil {
		t.Fatalf("first page = %+v, want another after it", first)
	}
	second := into[pairPage](t, o.as(t, "operator", "GET", "/v1/curated?limit=1&cursor="+*first.NextCursor, ""), 200)
	if len(first.Data) != 1 || len(second.Data) != 1 || first.Data[0].ID != former.ID || second.Data[0].ID != p.ID || second.NextCursor != nil {
		t.Errorf("pages = %+v, %+v", first, second)
	}
	into[any](t, o.as(t, "operator", "DELETE", "/v1/curated/"+p.ID, ""), 200)
	if c := o.as(t, "operator", "DELETE", "/v1/curated/"+p.ID, "").problem(t).Code; c != "curated_not_found" {
		t.Errorf("deleted again = %s", c)
	}
	audit := o.as(t, "admin", "GET", "/v1/audit", "").body
	if strings.Count(audit, `POST /v1/curated`) != 3 || !strings.Contains(audit, `"detail":"`+p.ID) || !strings.Contains(audit, `DELETE /v1/curated/:id`) {
		t.Errorf("audit = %s", audit)
	}
}

func TestACuratedAnswerIsTheTenantsOwnAndWrittenOnceForAKey(t *testing.T) {
	o := newOffice(t, says(answer()))
	const body = `{"question":"Why?","answer":"Because."}`
	write := func() reply {
		return o.do(t, "POST", "/v1/curated", body, "Authorization", "Bearer "+o.keys["operator"], "Idempotency-Key", "0123456789abcdef")
	}
	made := write()
	if again := write(); again.body != made.body || again.StatusCode != http.StatusCreated || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("again = %d %s, want the reply of the first time", again.StatusCode, again.body)
	}
	id := into[shownPair](t, made, http.StatusCreated).ID
	for _, r := range []reply{
		o.as(t, "operator acme", "GET", "/v1/curated/"+id, ""), o.as(t, "operator acme", "PUT", "/v1/curated/"+id, body), o.as(t, "operator acme", "DELETE", "/v1/curated/"+id+"?tenant=default", ""),
		o.as(t, "operator", "GET", "/v1/curated/nothing", ""), o.as(t, "operator", "PUT", "/v1/curated/nothing", body),
	} {
		if p := r.problem(t); p.Code != "curated_not_found" || p.Status != http.StatusNotFound {
			t.Errorf("another tenant's, or none = %s", r.body)
		}
	}
	page := o.as(t, "operator", "POST", "/v1/documents", `{"name":"page.md","source":"console","text":"# Page\n\nNo pair."}`)
	document := strings.TrimPrefix(page.Header.Get("Location"), "/v1/documents/")
	if p := o.as(t, "operator", "DELETE", "/v1/curated/"+document, "").problem(t); p.Code != "curated_not_found" {
		t.Errorf("a document that is no pair = %+v", p)
	}
	if got := into[pairPage](t, o.as(t, "operator acme", "GET", "/v1/curated?tenant=default", ""), 200); len(got.Data) != 0 {
		t.Errorf("another tenant's = %+v", got)
	}
	for body, want := range map[string]string{
		`{"answer":"a"}`:                                                   "value_empty",
		`{"question":"q","answer":" \n "}`:                                 "value_empty",
		`{"question":"q","answer":"a\u0007"}`:                              "control_characters",
		`{"question":"q","answer":"a","url":"javascript:x"}`:               "value_invalid",
		`{"question":"q","answer":"a","lang":"fr"}`:                        "value_invalid",
		`{"question":"q","answer":"a","tags":[]}`:                          "unknown_field",
		`{"question":"` + strings.Repeat("长", 501) + `","answer":"a"}`:     "value_too_long",
		`{"question":"q","answer":"` + strings.Repeat("word ", 600) + `"}`: "value_too_long",
	} {
		if p := o.as(t, "operator", "POST", "/v1/curated", body).problem(t); p.Code != want {
			t.Errorf("%.60s = %+v, want %s", body, p, want)
		}
	}
}
