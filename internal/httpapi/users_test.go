package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

func TestAUserIsExportedAndDeletedByTheirOperatorAlone(t *testing.T) {
	o := newOffice(t, says(answer()))
	scope := desk.Scope{Tenant: desk.DefaultTenant, User: "ann"}
	a := answer()
	q := desk.Question{ID: a.ID, Scope: scope, Text: "Is ⟦EMAIL_1⟧ right?", Asked: time.Now()}
	if err := o.db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
		t.Fatal(err)
	}
	turn := desk.Turn{Answer: a.ID, At: time.Now(), Question: q.Text, Text: a.Text, Outcome: a.Outcome}
	if err := o.db.Turns().Append(t.Context(), scope, "c1", turn); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		for _, other := range []struct{ key, path string }{{"operator acme", "/v1/users/ann"}, {"operator", "/v1/users/bob"}} {
			if r := o.as(t, other.key, method, other.path, ""); r.problem(t).Code != "user_not_found" {
				t.Errorf("%s %s as %s = %s", method, other.path, other.key, r.body)
			}
		}
		if r := o.as(t, "operator", method, "/v1/users/anonymous", ""); r.problem(t).Code != "user_anonymous" {
			t.Errorf("%s anonymous = %s", method, r.body)
		}
	}
	if r := o.as(t, "operator", http.MethodGet, "/v1/users/ann", ""); strings.Count(r.body, "⟦EMAIL_1⟧ right?") != 2 {
		t.Errorf("export = %d %s", r.StatusCode, r.body)
	}
	if r := o.as(t, "operator", http.MethodDelete, "/v1/users/ann", ""); !strings.Contains(r.body, `"deleted_turns":1,"deleted_answers":1,"deleted_feedback":0`) {
		t.Errorf("delete = %d %s", r.StatusCode, r.body)
	}
	if r := o.as(t, "operator", http.MethodGet, "/v1/users/ann", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("after the deletion: %d %s", r.StatusCode, r.body)
	}
	if r := o.as(t, "admin", http.MethodGet, "/v1/audit", ""); !strings.Contains(r.body, `DELETE /v1/users/:id`) {
		t.Errorf("audit = %s", r.body)
	}
}

func TestTheReplyToADeletedUserIsNotGivenAgain(t *testing.T) {
	asked := 0
	o := newOffice(t, answererFunc(func(context.Context, desk.Ask, desk.Emit) (desk.Answer, error) {
		asked++
		return answer(), nil
	}))
	ask := func(user string) {
		t.Helper()
		r := o.do(t, "POST", "/query", `{"question":"hi","user_id":"`+user+`"}`, "Authorization", "Bearer "+o.keys["ask"], "Idempotency-Key", "0123456789abcdef-"+user)
		if r.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", r.StatusCode, r.body)
		}
	}
	ask("ann")
	ask("bob")
	if r := o.as(t, "operator", http.MethodDelete, "/v1/users/ann", ""); r.StatusCode != http.StatusOK {
		t.Fatalf("delete = %d %s", r.StatusCode, r.body)
	}
	ask("bob")
	if asked != 2 {
		t.Errorf("asked %d times before ann asks again, want 2", asked)
	}
	ask("ann")
	if asked != 3 {
		t.Errorf("asked %d times, want 3: ann's reply was deleted with her", asked)
	}
}
