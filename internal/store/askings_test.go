package store_test

import (
	"slices"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestTheMostAskedAreThoseThatTheCacheGaveAgainToo(t *testing.T) {
	everywhere(t, func(t *testing.T, db *store.DB) {
		now := time.UnixMilli(time.Now().UnixMilli()).UTC()
		add := func(id, question string, age time.Duration, again int64, change func(*desk.Question, *desk.Answer)) {
			q, a := record(id)
			q.Text, q.Asked, a.Outcome, a.Route.Pleasantry, a.Trace = desk.Masked(question), now.Add(-age), desk.Answered, false, &desk.Trace{}
			if change != nil {
				change(&q, &a)
			}
			if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
				t.Fatal(err)
			}
			if err := db.Answers().AddAskings(t.Context(), map[desk.AnswerID]int64{a.ID: again}, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		add("1", "twice composed", time.Minute, 0, nil)
		add("2", "twice composed", time.Minute, 0, nil)
		add("3", "cached", time.Hour, 9, nil)
		add("4", "once", time.Hour, 0, nil)
		add("5", "too old", 48*time.Hour, 99, nil)
		add("6", "unanswered", time.Hour, 99, func(_ *desk.Question, a *desk.Answer) { a.Outcome = desk.Abstained })
		add("7", "hello", time.Hour, 99, func(_ *desk.Question, a *desk.Answer) { a.Route.Pleasantry = true })
		add("8", "and in Canada?", time.Hour, 99, func(_ *desk.Question, a *desk.Answer) { a.Trace.Standalone = "Do you ship to Canada?" })
		got, err := db.Answers().MostAsked(t.Context(), desk.DefaultTenant, now.Add(-24*time.Hour), 3)
		if want := []desk.Masked{"cached", "twice composed", "once"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("most asked = %q, %v, want %q", got, err, want)
		}
		if got, err = db.Answers().MostAsked(t.Context(), "other", now.Add(-24*time.Hour), 3); err != nil || len(got) != 0 {
			t.Errorf("another tenant's = %q, %v", got, err)
		}
	})
}
