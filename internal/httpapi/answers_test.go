package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/httpapi"
	"kefu/internal/limit"
	"kefu/internal/mask"
	"kefu/internal/store"
)

// masked takes feedback as the program does.
type masked struct{ answers *store.Answers }

func (m masked) Rate(ctx context.Context, scope desk.Scope, f desk.Feedback, comment string) error {
	f.Comment, _ = mask.New().Mask(comment)
	return m.answers.Rate(ctx, scope, f)
}

// recorded keeps the answer of the tests as one that ann was given.
func recorded(t *testing.T, o *office) desk.Answer {
	t.Helper()
	a := answer()
	a.Outcome, a.Trace = desk.Answered, &desk.Trace{Cache: "miss", Standalone: "Is the tablet covered?"}
	q := desk.Question{ID: a.ID, Scope: desk.Scope{Tenant: desk.DefaultTenant, User: "ann"}, Text: "Is ⟦EMAIL_1⟧ right?", Asked: time.Now()}
	if err := o.db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestARecordedAnswerIsShownToItsOperatorWithItsTrace(t *testing.T) {
	o := newOffice(t, says(answer()))
	a := recorded(t, o)
	var got struct {
		Question string
		UserID   string `json:"user_id"`
		Answer   struct {
			ID              string
			SourceDocuments []struct{ Quote string } `json:"source_documents"`
		}
		Trace struct{ Cache, Standalone string }
	}
	r := o.as(t, "operator", "GET", "/v1/answers/"+string(a.ID), "")
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.StatusCode != 200 {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if got.Question != "Is ⟦EMAIL_1⟧ right?" || got.UserID != "ann" || got.Answer.ID != string(a.ID) ||
		len(got.Answer.SourceDocuments) != len(a.Citations) || got.Trace.Cache != "miss" || got.Trace.Standalone == "" {
		t.Errorf("answer = %s", r.body)
	}
	for _, other := range []struct{ key, path string }{{"operator acme", "/v1/answers/" + string(a.ID)}, {"operator", "/v1/answers/nothing"}} {
		if r := o.as(t, other.key, "GET", other.path, ""); r.problem(t).Code != "answer_not_found" {
			t.Errorf("%s as %s = %s", other.path, other.key, r.body)
		}
	}
}

func TestAnswersAreListedTheLatestFirstAndForTheirTenantAlone(t *testing.T) {
	o := newOffice(t, says(answer()))
	now := time.Now()
	var all []desk.Record
	for i, outcome := range []desk.Outcome{desk.Answered, desk.Abstained, desk.Answered, desk.Answered, desk.Abstained} {
		a := answer()
		a.ID, a.Outcome, a.Trace = desk.AnswerID(fmt.Sprintf("ans_%d", i)), outcome, &desk.Trace{}
		if i == 2 {
			a.CacheTier = desk.TierMemory
		}
		asked := now.Add(time.Duration(i/2) * time.Minute) // two at the same time
		all = append(all, desk.Record{Question: desk.Question{ID: a.ID, Scope: desk.Scope{Tenant: desk.DefaultTenant}, Text: "Why?", Asked: asked}, Answer: a})
	}
	if err := o.db.Answers().Write(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	list := func(key, query string) (ids []string) {
		t.Helper()
		for cursor := ""; ; {
			p := into[struct {
				Data []struct {
					ID        string
					CacheTier *string `json:"cache_tier"`
					CostUSD   float64 `json:"cost_usd"`
				}
				NextCursor *string `json:"next_cursor"`
			}](t, o.as(t, key, "GET", "/v1/answers?limit=2&cursor="+cursor+query, ""), 200)
			for _, a := range p.Data {
				ids = append(ids, a.ID)
				if hit := a.CacheTier != nil; hit != (a.ID == "ans_2") || hit == (a.CostUSD > 0) {
					t.Errorf("answer = %+v, want a cached one free and the others not", a)
				}
			}
			if p.NextCursor == nil {
				return ids
			}
			cursor = *p.NextCursor
		}
	}
	if got := strings.Join(list("operator", ""), " "); got != "ans_4 ans_3 ans_2 ans_1 ans_0" {
		t.Errorf("answers = %s", got)
	}
	if got := strings.Join(list("operator", "&outcome=abstained"), " "); got != "ans_4 ans_1" {
		t.Errorf("without an answer = %s", got)
	}
	if got := list("operator acme", "&tenant=default"); len(got) != 0 {
		t.Errorf("another tenant's = %v", got)
	}
	if got := list("admin", "&tenant=acme"); len(got) != 0 {
		t.Errorf("acme's = %v", got)
	}
	for _, query := range []string{"outcome=nonsense", "limit=0", "cursor=%21"} {
		if p := o.as(t, "operator", "GET", "/v1/answers?"+query, "").problem(t); p.Status != 400 {
			t.Errorf("%s = %+v, want 400", query, p)
		}
	}
}

func TestFeedbackIsKeptMaskedAndTheLastOfAUserCounts(t *testing.T) {
	o := newOffice(t, says(answer()))
	path := "/v1/answers/" + string(recorded(t, o).ID) + "/feedback"
	for _, body := range []string{
		`{"rating":"up","user_id":"ann"}`,
		`{"rating":"down","reason":"wrong","comment":"I am ann@example.com","user_id":"ann"}`,
	} {
		if r := o.as(t, "ask", "POST", path, body); r.StatusCode != 204 || r.body != "" {
			t.Fatalf("%s = %d %s", body, r.StatusCode, r.body)
		}
	}
	r := o.as(t, "operator", "GET", strings.TrimSuffix(path, "/feedback"), "")
	if !strings.Contains(r.body, `"feedback":[{"answer_id":"ans_1","at":"`) || !strings.Contains(r.body, `"rating":"down","reason":"wrong","comment":"I am ⟦EMAIL_1⟧"}]`) {
		t.Errorf("the answer = %s, want what was said of it last", r.body)
	}
	r = o.as(t, "operator", "GET", "/v1/users/ann", "")
	if strings.Count(r.body, `"rating"`) != 1 || !strings.Contains(r.body, `"rating":"down","reason":"wrong","comment":"I am ⟦EMAIL_1⟧"`) {
		t.Errorf("export = %s", r.body)
	}
	for body, want := range map[string]string{
		`{}`:                                "value_invalid",
		`{"rating":"meh"}`:                  "value_invalid",
		`{"rating":"up","reason":"wrong"}`:  "value_invalid",
		`{"rating":"down","reason":"ugly"}`: "value_invalid",
		`{"rating":"down","stars":1}`:       "unknown_field",
		`{"rating":"up","comment":"` + strings.Repeat("长", 1001) + `"}`:    "value_too_long",
		`{"rating":"up","user_id":"` + strings.Repeat("长", 129) + `"}`:     "value_too_long",
		`{"rating":"down","comment":"` + strings.Repeat("长", 1000) + `"}x`: "trailing_data",
	} {
		if r := o.as(t, "ask", "POST", path, body); r.problem(t).Code != want {
			t.Errorf("%.60s = %s, want %s", body, r.body, want)
		}
	}
	if r := o.as(t, "ask acme", "POST", path, `{"rating":"up"}`); r.problem(t).Code != "answer_not_found" {
		t.Errorf("rated by another tenant: %s", r.body)
	}
}

// taken keeps no feedback.
type taken struct{ n int }

func (f *taken) Rate(context.Context, desk.Scope, desk.Feedback, string) error { f.n++; return nil }

func TestFeedbackCountsAsARequest(t *testing.T) {
	kept := &taken{}
	f := serve(t, httpapi.Config{Limiter: limiter(t, limit.Config{Address: limit.Rates{Requests: 2}}), Feedback: kept}, says(answer()))
	for range 2 {
		if r := f.do(t, "POST", "/v1/answers/ans_1/feedback", `{"rating":"up"}`, "Content-Type", "application/json"); r.StatusCode != 204 {
			t.Fatalf("within the limit = %d %s", r.StatusCode, r.body)
		}
	}
	if r := f.do(t, "POST", "/v1/answers/ans_1/feedback", `{"rating":"what?"}`, "Content-Type", "application/json"); r.problem(t).Code != "value_invalid" {
		t.Errorf("a mistake = %s, want one that is named", r.body)
	}
	r := f.do(t, "POST", "/v1/answers/ans_1/feedback", `{"rating":"up"}`, "Content-Type", "application/json")
	if r.problem(t).Code != "rate_limited" || r.Header.Get("Retry-After") == "" || kept.n != 2 {
		t.Errorf("beyond it = %s with %d kept, want rate_limited and 2", r.body, kept.n)
	}
}
