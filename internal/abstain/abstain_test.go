package abstain_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"go.uber.org/goleak"

	"kefu/internal/abstain"
	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// covered is evidence in which one passage holds this share of the question.
func covered(l desk.Lang, share float64) retrieval.Evidence {
	return retrieval.Evidence{
		Lang: l, Length: 120, Terms: 5, Rarity: 0.6, Known: min(1, share+0.3), Coverage: share, Union: share, Rare: share, Run: share,
		Missing: 1 - share, Sentence: share, Characters: share, Named: share, Headed: share / 2, Vector: share / 2,
		Absent: 1 - share, Alike: share / 2, Paired: share, FirstPairs: share, Subject: share, Whole: share, Rest: share,
		Share: 0.7 * share, Gap: share / 2, Lead: 2 * share,
	}
}

func TestWordsThatArePresentSpeakForAnAnswer(t *testing.T) {
	j := abstain.New()
	for _, l := range []desk.Lang{desk.English, desk.Chinese} {
		if p := j.Answerable(covered(l, 0.95)); p < abstain.Default {
			t.Errorf("%s: everything is covered: %.2f, want an answer", l, p)
		}
		if p := j.Answerable(covered(l, 0.1)); p >= abstain.Default {
			t.Errorf("%s: a tenth is covered: %.2f, want none", l, p)
		}
	}
}

func TestAQuestionWithoutContentWordsIsNotJudgedByThem(t *testing.T) {
	if p := abstain.New().Answerable(retrieval.Evidence{Lang: desk.English}); p != 1 {
		t.Errorf("answerable = %v, want 1", p)
	}
}

func TestOneWordThatAPassageIsHeadedByIsAnswered(t *testing.T) {
	e := retrieval.Evidence{Lang: desk.English, Length: 60, Terms: 1, Rarity: 0.4, Known: 1, Coverage: 1, Headed: 1}
	if p := abstain.New().Answerable(e); p != 1 {
		t.Errorf("headed by it: answerable = %v, want 1", p)
	}
	e.Headed = 0
	if p := abstain.New().Answerable(e); p == 1 {
		t.Error("headed by something else: nothing was judged")
	}
}

func TestFitAnswersTheShareOfEverySet(t *testing.T) {
	var examples []abstain.Example
	for i := range 100 {
		x := float64(i) / 100
		examples = append(examples,
			abstain.Example{Question: fmt.Sprint("easy ", i), Evidence: covered(desk.English, 0.4+0.6*x), Set: "easy", Counts: 1},
			abstain.Example{Question: fmt.Sprint("hard ", i), Evidence: covered(desk.English, 0.3+0.4*x), Set: "hard", Counts: 1},
			abstain.Example{Question: fmt.Sprint("none ", i), Evidence: covered(desk.English, 0.4*x), Set: "hard", Kind: "oos", Counts: 1})
	}
	raw, err := json.Marshal(abstain.Fit(examples, 0.9))
	if err != nil {
		t.Fatal(err)
	}
	j, err := abstain.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !j.Knows("hard", " HARD 7?") || j.Knows("easy", "hard 7") {
		t.Error("the judge does not know what it was fitted to")
	}
	answered := map[string]int{}
	for _, e := range examples {
		if j.Answerable(e.Evidence) >= abstain.Default {
			answered[e.Set+e.Kind]++
		}
	}
	if answered["hard"] < 89 || answered["hard"] > 91 || answered["easy"] < 90 || answered["hardoos"] > 40 {
		t.Errorf("answered %v, want 90 of hard, no fewer of easy and few of the unanswerable", answered)
	}
}
