package retrieval_test

import (
	"slices"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

func TestAPartNumberFindsWhatTheKnowledgeBaseCallsSo(t *testing.T) {
	for name, tt := range map[string]struct{ says, answers, question string }{
		"a number in brackets":    {"The Slate T10 (LM-3010) is a tablet.", "The Slate T10 has a battery of 7,600 mAh.", "Which battery does LM-3010 have?"},
		"a row of a table":        {"Product: Wireless pad | Part number: LM-4015 | Power: 15 W", "The battery of a phone on the pad fills in two hours.", "Which battery does the LM4015 fill?"},
		"a row as it was written": {"| Wireless pad | LM-4015 | 15 W |", "The battery of a phone on the pad fills in two hours.", "Which battery does the LM 4015 fill?"},
		"in Chinese":              {"无线充电板（LM-4015）输出 15 瓦。", "充电板两小时充满。", "LM-4015 要多久"},
	} {
		t.Run(name, func(t *testing.T) {
			others := []retrieval.Item{ // they hold as many words of the question
				item("answers", 0, 1, tt.answers),
				item("other", 0, 1, "Which battery does it have? Which battery does it fill?"),
				item("another", 0, 1, "Which battery does a watch have, and which one does it fill?"),
				item("watch", 0, 1, "手表充满要多久？"),
				item("phone", 0, 1, "手机要充电多久？"),
			}
			rank := func(ix *retrieval.Index) int { // beside the passage that says the name
				found := slices.DeleteFunc(ix.Lexical(tt.question, 9), func(p desk.Passage) bool { return p.Document == "says" })
				return slices.IndexFunc(found, func(p desk.Passage) bool { return p.Document == "answers" })
			}
			alone := rank(index(t, others...))
			ix := index(t, append(others, item("says", 0, 1, tt.says))...)
			if named := rank(ix); named < 0 || alone >= 0 && named >= alone {
				t.Errorf("%d passages are better where the name is known, %d where not", named, alone)
			}
			if gone := rank(with(t, ix, nil, "says")); gone != alone {
				t.Errorf("%d passages are better once nothing says the name any more, %d before", gone, alone)
			}
		})
	}
}

func TestWhatIsNoNameIsNotTakenForOne(t *testing.T) {
	for _, says := range []string{
		"Write to us about lamps (LM-3010).", "| LM-3010 | LM-3020 | yes |", "| a | b | c |", "()（", "(LM-3010", "lamps (LM-3010 is the number of the tablet)",
	} {
		ix := index(t, item("says", 0, 1, says), item("lamps", 0, 1, "Lamps are bright and lamps are these."))
		for _, p := range ix.Lexical("LM-3010", 5) {
			if p.Document == "lamps" {
				t.Errorf("%q: lamps are found for the part number", says)
			}
		}
	}
}
