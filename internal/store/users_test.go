package store_test

import (
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestNoTableHoldsADeletedUser(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		const name, said = "ann-7f3a", "where is parcel 7f3a-said"
		q, a := record("1")
		q.Scope.User, q.Text, a.Trace = name, said, &desk.Trace{Standalone: said}
		if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Turns().Append(t.Context(), q.Scope, "c1", desk.Turn{Answer: a.ID, At: time.Now(), Question: said, Text: said}); err != nil {
			t.Fatal(err)
		}
		rated := desk.Feedback{Answer: a.ID, At: time.Now(), Rating: desk.RatedDown, Reason: desk.FeedbackWrong, Comment: said}
		if err := db.Answers().Rate(t.Context(), q.Scope, rated); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{name, said} {
			if tables := db.Holding(t, text); len(tables) == 0 {
				t.Fatalf("%q is nowhere: the search finds nothing", text)
			}
		}
		gone, err := db.Users().Delete(t.Context(), q.Scope)
		if err != nil || gone != (desk.UserErasure{Turns: 1, Answers: 1, Feedback: 1, Handoffs: 1}) {
			t.Fatalf("deleted %+v, %v", gone, err)
		}
		for _, text := range []string{name, said} {
			if tables := db.Holding(t, text); len(tables) > 0 {
				t.Errorf("%v still hold %q", tables, text)
			}
		}
		if _, err := db.Users().Delete(t.Context(), q.Scope); codeOf(err) != "user_not_found" {
			t.Errorf("deleted again: %v", err)
		}
	})
}

func TestWhatIsOldIsForgotten(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		now := time.Now()
		for i, age := range []time.Duration{time.Hour, 48 * time.Hour} {
			q, a := record(string(rune('1' + i)))
			q.Asked = now.Add(-age)
			if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
				t.Fatal(err)
			}
			if err := db.Turns().Append(t.Context(), q.Scope, "c1", desk.Turn{Answer: a.ID, At: q.Asked}); err != nil {
				t.Fatal(err)
			}
		}
		before := now.Add(-24 * time.Hour)
		if f, err := db.Forget(t.Context(), store.Retention{Answers: before}); err != nil || f != (store.Forgotten{Answers: 1}) {
			t.Errorf("forgot %+v, %v, want one answer", f, err)
		}
		if f, err := db.Forget(t.Context(), store.Retention{Turns: before, Answers: before, Ledger: before}); err != nil || f != (store.Forgotten{Turns: 1}) {
			t.Errorf("forgot %+v, %v, want one turn", f, err)
		}
	})
}
