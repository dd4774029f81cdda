package store_test

import (
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestComplaintsAreWhatWasNotAnsweredOrRatedDown(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		now := time.UnixMilli(time.Now().UnixMilli()).UTC()
		add := func(id string, age time.Duration, outcome desk.Outcome, reason desk.HandoffReason, ratings ...desk.Rating) {
			q, a := record(id)
			q.Asked, a.Outcome, a.Handoff = now.Add(-age), outcome, nil
			a.Citations[0].Quote = `"handoff":{"reason":"no_answer"`
			if reason != "" {
				a.Handoff = &desk.Handoff{Reason: reason}
			}
			if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
				t.Fatal(err)
			}
			for i, rating := range ratings {
				scope := desk.Scope{Tenant: q.Scope.Tenant, User: desk.UserID(rune('a' + i))}
				if err := db.Answers().Rate(t.Context(), scope, desk.Feedback{Answer: a.ID, At: now, Rating: rating}); err != nil {
					t.Fatal(err)
				}
			}
		}
		add("none", 1*time.Minute, desk.Abstained, desk.HandoffNoAnswer)
		add("unverified", 2*time.Minute, desk.Abstained, desk.HandoffUnverified)
		add("disliked", 3*time.Minute, desk.Answered, "", desk.RatedDown, desk.RatedDown, desk.RatedUp)
		add("liked", 4*time.Minute, desk.Answered, "", desk.RatedUp)
		add("attack", 5*time.Minute, desk.Abstained, desk.HandoffGuarded)
		add("person", 6*time.Minute, desk.Abstained, desk.HandoffRequested)
		add("old", 48*time.Hour, desk.Abstained, desk.HandoffNoAnswer)
		q, _ := record("none")
		turn := desk.Turn{Answer: "ans_none", At: now, Question: q.Text, Standalone: "Can I return the tablet?"}
		if err := db.Turns().Append(t.Context(), q.Scope, "con_1", turn); err != nil {
			t.Fatal(err)
		}
		for _, n := range []int64{3, 4} {
			if err := db.Answers().AddAskings(t.Context(), map[desk.AnswerID]int64{"ans_none": n, "ans_gone": 1}, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := db.Answers().Complaints(t.Context(), desk.DefaultTenant, now.Add(-24*time.Hour))
		want := []desk.Complaint{
			{Answer: "ans_none", Question: "Can I return the tablet?", Lang: desk.English, Asked: now.Add(-time.Minute), Askings: 8},
			{Answer: "ans_unverified", Question: q.Text, Lang: desk.English, Asked: now.Add(-2 * time.Minute), Askings: 1},
			{Answer: "ans_disliked", Question: q.Text, Lang: desk.English, Asked: now.Add(-3 * time.Minute), Disliked: true, Askings: 1},
		}
		if err != nil || len(got) != len(want) {
			t.Fatalf("complaints = %+v, %v, want %d", got, err, len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("complaint %d = %+v, want %+v", i, got[i], want[i])
			}
		}
		if other, err := db.Answers().Complaints(t.Context(), "other", now.Add(-24*time.Hour)); err != nil || len(other) != 0 {
			t.Errorf("another tenant's = %+v, %v", other, err)
		}
	})
}
