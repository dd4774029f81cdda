package store_test

import (
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestTheLastRatingOfAUserStandsUntilTheAnswerIsForgotten(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		q, a := record("1")
		if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		at := time.UnixMilli(1_790_000_100_000).UTC()
		first := desk.Feedback{Answer: a.ID, At: at, Rating: desk.RatedUp}
		last := desk.Feedback{Answer: a.ID, At: at.Add(time.Minute), Rating: desk.RatedDown, Reason: desk.FeedbackOutdated, Comment: "已经改了\x00"}
		other := desk.Scope{Tenant: q.Scope.Tenant, User: "another"}
		for _, step := range []struct {
			scope desk.Scope
			desk.Feedback
		}{{q.Scope, first}, {other, first}, {q.Scope, last}} {
			if err := db.Answers().Rate(t.Context(), step.scope, step.Feedback); err != nil {
				t.Fatal(err)
			}
		}
		last.Comment = "已经改了"
		for scope, want := range map[desk.Scope]desk.Feedback{q.Scope: last, other: first} {
			data, err := db.Users().Export(t.Context(), scope)
			if err != nil || len(data.Feedback) != 1 || data.Feedback[0] != want {
				t.Errorf("feedback of %s = %+v, %v, want %+v", scope.User, data.Feedback, err, want)
			}
		}
		if err := db.Answers().Rate(t.Context(), desk.Scope{Tenant: "other", User: "user"}, first); codeOf(err) != "answer_not_found" {
			t.Errorf("rated by another tenant: %v", err)
		}
		if _, err := db.Forget(t.Context(), store.Retention{Answers: time.Now()}); err != nil || db.Count(t, "feedback") != 0 {
			t.Errorf("%d ratings outlive their answer, %v", db.Count(t, "feedback"), err)
		}
	})
}
