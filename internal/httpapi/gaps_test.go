package httpapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

// oneGap finds one gap in the knowledge base of acme, and since when it was
// looked for.
type oneGap struct{}

func (oneGap) Gaps(_ context.Context, tenant desk.TenantID, since time.Time) ([]desk.Gap, error) {
	if tenant != "acme" {
		return nil, nil
	}
	return []desk.Gap{{Question: "Bitcoin?", Lang: desk.English, Count: 3, Disliked: 1, LastAsked: since, LastAnswer: "ans_1"}}, nil
}

func TestGapsAreTheTenantsOwnAndOfTheDaysAskedFor(t *testing.T) {
	o := newOffice(t, says(answer()))
	week := time.Now().UTC().AddDate(0, 0, -7).Format(time.DateOnly)
	r := o.as(t, "operator acme", "GET", "/v1/gaps?days=7", "")
	if want := `{"question":"Bitcoin?","lang":"en","count":3,"disliked":1,"last_asked":"` + week; !strings.Contains(r.body, want) {
		t.Errorf("gaps = %d %s, want %s", r.StatusCode, r.body, want)
	}
	if r := o.as(t, "operator", "GET", "/v1/gaps?tenant=acme", ""); strings.TrimSpace(r.body) != `{"data":[]}` {
		t.Errorf("another tenant's gaps = %d %s, want none", r.StatusCode, r.body)
	}
	for _, bad := range []string{"0", "367", "week"} {
		if r := o.as(t, "operator", "GET", "/v1/gaps?days="+bad, ""); r.problem(t).Field != "days" {
			t.Errorf("days=%s = %d %s", bad, r.StatusCode, r.body)
		}
	}
}
