package store_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestAHandoffIsKeptTakenAndForgottenWithItsAnswer(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		handoffs, asked := db.Handoffs(), time.UnixMilli(1_790_000_000_123).UTC()
		var all []desk.Record
		for i, id := range []string{"1", "2", "3", "answered"} {
			q, a := record(id)
			q.Asked = asked.Add(time.Duration(i/2) * time.Minute) // two at the same time
			if id == "answered" {
				a.Handoff = nil
			}
			all = append(all, desk.Record{Question: q, Answer: a})
		}
		for range 2 { // a batch may be written again
			if err := db.Answers().Write(t.Context(), all); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Answers().AddAskings(t.Context(), map[desk.AnswerID]int64{"ans_2": 4}, asked, asked.Add(2*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if found, err := handoffs.Told(t.Context(), "ans_2", desk.Delivered); err != nil || !found {
			t.Errorf("told = %v, %v", found, err)
		}
		if found, err := handoffs.Told(t.Context(), "ans_answered", desk.Delivered); err != nil || found {
			t.Errorf("told of an answer without a handoff = %v, %v", found, err)
		}
		at := asked.Add(time.Hour)
		for _, step := range []struct {
			id   desk.AnswerID
			to   desk.HandoffState
			by   string
			code string
		}{
			{"ans_2", desk.HandoffTaken, "ann", ""},
			{"ans_2", desk.HandoffTaken, "ann", ""}, // again
			{"ans_2", desk.HandoffTaken, "bob", "handoff_taken"},
			{"ans_answered", desk.HandoffTaken, "ann", "handoff_not_found"},
			{"ans_1", desk.HandoffTaken, "bob", ""},
			{"ans_1", desk.HandoffResolved, "ann", ""},
			{"ans_1", desk.HandoffOpen, "bob", ""},
			{"ans_1", desk.HandoffTaken, "ann", ""},
			{"ans_1", desk.HandoffResolved, "ann", ""},
		} {
			if _, err := handoffs.Move(t.Context(), desk.DefaultTenant, step.id, step.to, step.by, at); codeOf(err) != step.code {
				t.Fatalf("%s to %s by %s = %v, want %q", step.id, step.to, step.by, err, step.code)
			}
		}
		q, a := all[1].Question, all[1].Answer
		want := desk.Case{
			Answer: "ans_2", User: "user", Conversation: "con_1", Asked: q.Asked, Question: q.Text, Text: a.Text, Lang: desk.English,
			Handoff: *a.Handoff, Askings: 5, Again: asked.Add(2 * time.Minute), Raised: asked.Add(2 * time.Minute), State: desk.HandoffTaken, By: "ann", Changed: at, Webhook: desk.Delivered,
		}
		if got, err := handoffs.Get(t.Context(), desk.DefaultTenant, "ans_2"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("handoff = %+v, %v, want %+v", got, err, want)
		}
		if _, err := handoffs.Get(t.Context(), "other", "ans_2"); codeOf(err) != "handoff_not_found" {
			t.Errorf("another tenant's handoff: %v", err)
		}
		if _, err := handoffs.Move(t.Context(), "other", "ans_2", desk.HandoffResolved, "eve", at); codeOf(err) != "handoff_not_found" {
			t.Errorf("resolved by another tenant: %v", err)
		}
		list := func(tenant desk.TenantID, q desk.CaseQuery) (ids []desk.AnswerID) {
			for {
				page, err := handoffs.Page(t.Context(), tenant, q, 1)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					return ids
				}
				ids = append(ids, page[0].Answer)
				q.Before, q.BeforeID = page[0].Raised, page[0].Answer
			}
		}
		// The one that was opened again, the one that was given again, the other.
		for state, want := range map[desk.HandoffState][]desk.AnswerID{
			"": {"ans_1", "ans_2", "ans_3"}, desk.HandoffOpen: {"ans_3"}, desk.HandoffTaken: {"ans_2"}, desk.HandoffResolved: {"ans_1"},
		} {
			if got := list(desk.DefaultTenant, desk.CaseQuery{State: state}); !slices.Equal(got, want) {
				t.Errorf("handoffs in state %q = %v, want %v", state, got, want)
			}
		}
		if got := list("other", desk.CaseQuery{}); len(got) != 0 {
			t.Errorf("another tenant's handoffs = %v", got)
		}
		data, err := db.Users().Export(t.Context(), q.Scope)
		if err != nil || len(data.Handoffs) != 3 || data.Handoffs[1] != (desk.UserHandoff{Answer: "ans_2", At: q.Asked, Reason: desk.HandoffRequested, State: desk.HandoffTaken}) {
			t.Errorf("export = %+v, %v", data.Handoffs, err)
		}
		if _, err := db.Forget(t.Context(), store.Retention{Answers: asked.Add(time.Second)}); err != nil || db.Count(t, "handoffs") != 1 {
			t.Errorf("%d handoffs after two answers were forgotten, %v, want 1", db.Count(t, "handoffs"), err)
		}
	})
}

func TestAResolvedHandoffOpensAgainForWhoAsksTheSameLater(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		q, a := record("1")
		if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		resolved := q.Asked.Add(time.Hour)
		for _, step := range []struct {
			resolve bool
			from    time.Time // of what the cache gave meanwhile
			want    desk.HandoffState
		}{
			{true, resolved.Add(-10 * time.Second), desk.HandoffResolved}, // it may have been given before
			{false, resolved.Add(20 * time.Second), desk.HandoffOpen},
		} {
			if step.resolve {
				if _, err := db.Handoffs().Move(t.Context(), q.Scope.Tenant, a.ID, desk.HandoffResolved, "ann", resolved); err != nil {
					t.Fatal(err)
				}
			}
			to := step.from.Add(30 * time.Second)
			if err := db.Answers().AddAskings(t.Context(), map[desk.AnswerID]int64{a.ID: 1}, step.from, to); err != nil {
				t.Fatal(err)
			}
			if got, err := db.Handoffs().Get(t.Context(), q.Scope.Tenant, a.ID); err != nil || got.State != step.want || !got.Again.Equal(to) {
				t.Errorf("given again from %s: %s at %s, %v, want %s at %s", step.from, got.State, got.Again, err, step.want, to)
			}
		}
	})
}
