package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

type shownCase struct {
	AnswerID       string `json:"answer_id"`
	State, Reason  string
	Question, Lang string
	Askings        int
	Contact        struct{ Email, Message string }
	Webhook        *string
	HandledBy      *string    `json:"handled_by"`
	HandledAt      *time.Time `json:"handled_at"`
	Answer         string
	Turns          []struct{ Question, Answer string }
}

// sentOn records n questions in one conversation of ann's, whose answers sent
// her to a person.
func sentOn(t *testing.T, o *office, n int) {
	t.Helper()
	scope := desk.Scope{Tenant: desk.DefaultTenant, User: "ann"}
	for i := range n {
		a := answer()
		a.ID, a.Outcome, a.Conversation, a.Text = desk.AnswerID(fmt.Sprintf("ans_%d", i)), desk.Abstained, "c1", "I do not know."
		a.Handoff = &desk.Handoff{Reason: desk.HandoffNoAnswer, Contact: desk.Contact{Email: "help@shop.example", Message: "Write to us."}}
		q := desk.Question{ID: a.ID, Scope: scope, Text: "Is ⟦EMAIL_1⟧ right?", Conversation: "c1", Asked: time.Now()}
		if err := o.db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		turn := desk.Turn{Answer: a.ID, At: q.Asked, Question: q.Text, Text: a.Text, Outcome: a.Outcome}
		if err := o.db.Turns().Append(t.Context(), scope, "c1", turn); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAHandoffIsListedShownTakenAndResolved(t *testing.T) {
	o := newOffice(t, says(answer()))
	sentOn(t, o, 3)
	list := func(key, query string) (ids []string) {
		t.Helper()
		for cursor := ""; ; {
			p := into[struct {
				Data       []shownCase
				NextCursor *string `json:"next_cursor"`
			}](t, o.as(t, key, "GET", "/v1/handoffs?limit=2&cursor="+cursor+query, ""), 200)
			for _, h := range p.Data {
				ids = append(ids, h.AnswerID)
				if h.Question != "Is ⟦EMAIL_1⟧ right?" || h.Reason != "no_answer" || h.Askings != 1 || h.Contact.Email != "help@shop.example" || h.Webhook != nil {
					t.Errorf("handoff = %+v", h)
				}
			}
			if p.NextCursor == nil {
				return ids
			}
			cursor = *p.NextCursor
		}
	}
	if got := strings.Join(list("operator", ""), " "); got != "ans_2 ans_1 ans_0" {
		t.Errorf("handoffs = %s", got)
	}
	h := into[shownCase](t, o.as(t, "operator", "GET", "/v1/handoffs/ans_1", ""), 200)
	if h.State != "open" || h.HandledBy != nil || h.HandledAt != nil || h.Answer != "I do not know." || len(h.Turns) != 3 || h.Turns[0].Question == "" {
		t.Errorf("handoff = %+v, want an open one with its conversation", h)
	}

	move := func(key, state string) reply {
		t.Helper()
		return o.as(t, key, "PATCH", "/v1/handoffs/ans_1", `{"state":"`+state+`"}`)
	}
	if h := into[shownCase](t, move("operator", "taken"), 200); h.State != "taken" || h.HandledBy == nil || !strings.HasPrefix(*h.HandledBy, "key_") || h.HandledAt == nil {
		t.Errorf("taken = %+v", h)
	}
	if p := move("admin", "taken").problem(t); p.Code != "handoff_taken" || p.Status != http.StatusConflict {
		t.Errorf("taken from somebody else = %+v", p)
	}
	if got := strings.Join(list("operator", "&state=open"), " "); got != "ans_2 ans_0" {
		t.Errorf("open = %s", got)
	}
	if h := into[shownCase](t, move("admin", "resolved"), 200); h.State != "resolved" {
		t.Errorf("resolved = %+v", h)
	}
	if got := strings.Join(list("admin", "&tenant=default&state=resolved"), " "); got != "ans_1" {
		t.Errorf("resolved = %s", got)
	}
	audit := o.as(t, "admin", "GET", "/v1/audit", "").body
	if strings.Count(audit, `PATCH /v1/handoffs/:id`) != 2 || !strings.Contains(audit, `"target":"ans_1","detail":"taken"`) || !strings.Contains(audit, `"detail":"resolved"`) {
		t.Errorf("audit = %s, want what was changed and no refusal", audit)
	}
}

func TestAHandoffIsTheTenantsOwnAndGoesWithItsUser(t *testing.T) {
	o := newOffice(t, says(answer()))
	sentOn(t, o, 2)
	if r := o.as(t, "operator acme", "GET", "/v1/handoffs?tenant=default", ""); !strings.Contains(r.body, `"data":[]`) {
		t.Errorf("another tenant's = %s", r.body)
	}
	for _, other := range []struct{ key, id string }{{"operator acme", "ans_1"}, {"operator", "nothing"}} {
		for method, body := range map[string]string{"GET": "", "PATCH": `{"state":"taken"}`} {
			if r := o.as(t, other.key, method, "/v1/handoffs/"+other.id, body); r.problem(t).Code != "handoff_not_found" {
				t.Errorf("%s %s as %s = %s", method, other.id, other.key, r.body)
			}
		}
	}
	for _, query := range []string{"state=lost", "limit=0", "cursor=%21"} {
		if p := o.as(t, "operator", "GET", "/v1/handoffs?"+query, "").problem(t); p.Status != 400 {
			t.Errorf("%s = %+v, want 400", query, p)
		}
	}
	for body, want := range map[string]string{`{}`: "value_invalid", `{"state":"lost"}`: "value_invalid", `{"state":"open","by":"me"}`: "unknown_field"} {
		if p := o.as(t, "operator", "PATCH", "/v1/handoffs/ans_1", body).problem(t); p.Code != want {
			t.Errorf("%s = %+v, want %s", body, p, want)
		}
	}
	if r := o.as(t, "operator", "GET", "/v1/users/ann", ""); strings.Count(r.body, `"reason":"no_answer","state":"open"`) != 2 {
		t.Errorf("export = %s", r.body)
	}
	if r := o.as(t, "operator", "DELETE", "/v1/users/ann", ""); !strings.Contains(r.body, `"deleted_handoffs":2`) {
		t.Errorf("delete = %s", r.body)
	}
	if r := o.as(t, "operator", "GET", "/v1/handoffs", ""); !strings.Contains(r.body, `"data":[]`) {
		t.Errorf("handoffs of nobody = %s", r.body)
	}
}
