package retrieval_test

import "testing"

func TestEvidenceTellsTheSubjectOfAQuestionFromTheRest(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "广茂铁路全长三百公里。"), item("b", 0, 1, "铁路全长二百公里。"),
		item("c", 0, 1, "台灯是蓝色的。"), item("d", 0, 1, "Lamps are sold in Norway."), item("e", 0, 1, "Lamps are blue."))
	if e := evidence(ix, "广茂铁路的全长是多少？"); e.Subject < 0.99 || e.Rest < 0.99 {
		t.Errorf("the passage holds both: %+v", e)
	}
	if e := evidence(ix, "河茂铁路的全长是多少？"); e.Subject > 0.9 || e.Rest < 0.99 {
		t.Errorf("it is about another railway: %+v", e)
	}
	if e := evidence(ix, "norway"); e.Subject < 0.99 || e.Rest != e.Subject {
		t.Errorf("there is but one piece: %+v", e)
	}
}

func TestEvidenceCountsPassagesOfOnePage(t *testing.T) {
	parts := page("returns.md", "Returns are free.", "Returns take a week.", "Returns need the box.")
	for i := range parts {
		parts[i].Title = "Returns"
	}
	ix := index(t, append(parts, item("b", 0, 1, "Returns are rare."), item("c", 0, 1, "Lamps are blue."))...)
	if e := evidence(ix, "returns free"); e.Siblings < 0.6 || e.Siblings > 0.7 {
		t.Errorf("two of the three others are of the page: %+v", e)
	}
	if e := evidence(ix, "lamps"); e.Siblings != 0 {
		t.Errorf("nothing else was found: %+v", e)
	}
}
