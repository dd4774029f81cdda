package gaps_test

import (
	"fmt"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/gaps"
)

func asked(id, question string, minute int, disliked bool) desk.Complaint {
	return desk.Complaint{
		Answer: desk.AnswerID(id), Question: desk.Masked(question), Lang: desk.English,
		Asked: time.Date(2027, 1, 31, 12, minute, 0, 0, time.UTC), Disliked: disliked, Askings: 1,
	}
}

func TestWhatAsksTheSameIsOneGapAndTheMostAskedComesFirst(t *testing.T) {
	got := gaps.Group([]desk.Complaint{
		asked("a1", "Do you ship to Mars?", 9, false),
		asked("a2", "can i pay with bitcoin", 1, false),
		asked("a3", "Can I pay with Bitcoin?", 3, true),
		asked("a4", "Can I pay with Bitcoin??", 2, false),
		asked("a5", "能用比特币付款吗？", 4, false),
		asked("a6", " ?! ", 5, false),
	})
	want := []desk.Gap{
		{Question: "Can I pay with Bitcoin?", Lang: desk.English, Count: 3, Disliked: 1, LastAnswer: "a3"},
		{Question: "Do you ship to Mars?", Lang: desk.English, Count: 1, LastAnswer: "a1"},
		{Question: "能用比特币付款吗？", Lang: desk.English, Count: 1, LastAnswer: "a5"},
	}
	if len(got) != len(want) {
		t.Fatalf("gaps = %+v, want %d", got, len(want))
	}
	for i := range want {
		got[i].LastAsked = time.Time{}
		if got[i] != want[i] {
			t.Errorf("gap %d = %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestQuestionsInOtherWordsAreOneGapAndThoseThatDifferAreNot(t *testing.T) {
	got := gaps.Group([]desk.Complaint{
		asked("a1", "How long does the refund take?", 1, false),
		asked("a2", "How long will the refund take?", 2, false),
		asked("a3", "How long does the refund of order 7 take?", 3, false),
	})
	if len(got) != 2 || got[0].Count != 2 || got[0].LastAnswer != "a2" {
		t.Errorf("gaps = %+v, want two, the first of a1 and a2", got)
	}
}

func BenchmarkGroup5kDifferent(b *testing.B) {
	all := make([]desk.Complaint, 5000)
	for i := range all {
		all[i] = asked(fmt.Sprint(i), fmt.Sprintf("How do I clean a model %s of the kettle %s?", word(i), word(i*7)), i%60, false)
	}
	for b.Loop() {
		gaps.Group(all)
	}
}

// word is a word that only i has.
func word(i int) string {
	w := ""
	for ; i > 0; i /= 26 {
		w += string(rune('a' + i%26))
	}
	return "x" + w
}
