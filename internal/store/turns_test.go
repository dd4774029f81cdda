package store_test

import (
	"reflect"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/store"
)

func TestAConversationIsReadBackInItsOrderByItsUserAlone(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		mine := desk.Scope{Tenant: "default", User: "ann"}
		start := time.UnixMilli(1_700_000_000_000).UTC()
		var want []desk.Turn
		for i, question := range []desk.Masked{"How long is the warranty?", "And of the lamp?", "Why?"} {
			turn := desk.Turn{
				Answer: desk.NewAnswerID(), At: start.Add(time.Duration(i) * time.Minute), Question: question, Standalone: "alone: " + question,
				Text: "answer", Lang: desk.English, Outcome: desk.Answered,
			}
			want = append(want, turn)
			for range 2 { // a turn written again is one turn
				if err := db.Turns().Append(t.Context(), mine, "c1", turn); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := db.Turns().Recent(t.Context(), mine, "c1", 2)
		if err != nil || !reflect.DeepEqual(got, want[1:]) {
			t.Errorf("recent = %+v, %v\nwant %+v", got, err, want[1:])
		}
		for _, other := range []desk.Scope{{Tenant: "default", User: "bob"}, {Tenant: "other", User: "ann"}} {
			if got, err := db.Turns().Recent(t.Context(), other, "c1", 2); err != nil || len(got) > 0 {
				t.Errorf("%v reads %+v, %v", other, got, err)
			}
			if err := db.Turns().Delete(t.Context(), other, "c1"); codeOf(err) != "conversation_not_found" {
				t.Errorf("%v deletes: %v", other, err)
			}
		}
		list, err := db.Turns().List(t.Context(), mine, 10)
		if want := []desk.Conversation{{ID: "c1", Turns: 3, First: want[0].At, Last: want[2].At}}; err != nil || !reflect.DeepEqual(list, want) {
			t.Errorf("list = %+v, %v, want %+v", list, err, want)
		}
	})
}

func TestADeletedConversationLeavesNothing(t *testing.T) {
	withTexts(t, func(t *testing.T, db *store.DB) {
		q, a := record("1")
		q.Conversation, a.Conversation = "c1", "c1"
		if err := db.Answers().Write(t.Context(), []desk.Record{{Question: q, Answer: a}}); err != nil {
			t.Fatal(err)
		}
		turn := desk.Turn{Answer: a.ID, At: time.Now(), Question: q.Text, Text: a.Text}
		if err := db.Turns().Append(t.Context(), q.Scope, "c1", turn); err != nil {
			t.Fatal(err)
		}
		if err := db.Turns().Delete(t.Context(), q.Scope, "c1"); err != nil {
			t.Fatal(err)
		}
		if turns, answers := db.Count(t, "turns"), db.Count(t, "answers"); turns+answers != 0 {
			t.Errorf("%d turns and %d answers are left", turns, answers)
		}
	})
}
