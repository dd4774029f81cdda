package retrieval_test

import (
	"testing"

	"kefu/internal/retrieval"
)

func TestAPartNumberFindsWhatTheKnowledgeBaseCallsSo(t *testing.T) {
	for name, tt := range map[string]struct{ says, answers, question string }{
		"a number in brackets":    {"The Slate T10 (LM-3010) is a tablet.", "The Slate T10 has a battery of 7,600 mAh.", "Which battery does LM-3010 have?"},
		"a row of a table":        {"Product: Wireless pad | Part number: LM-4015 | Power: 15 W", "The battery of a phone on the pad fills in two hours.", "Which battery does the LM4015 fill?"},
		"a row as it was written": {"| Wireless pad | LM-4015 | 15 W |", "The battery of a phone on the pad fills in two hours.", "Which battery does the LM 4015 fill?"},
		"in Chinese":              {"无线充电板（LM-4015）输出 15 瓦。", "用充电板给电池充电要两小时。", "LM-4015 给电池充电要多久"},
	} {
		t.Run(name, func(t *testing.T) {
			others := []retrieval.Item{
				item("answers", 0, 1, tt.answers),
				item("other", 0, 1, "Which battery does a lamp have? None: it has a plug."),
				item("another", 0, 1, "How long is a battery good? The battery of the watch lasts long."),
				item("watch", 0, 1, "手表的电池充电要多久？充电一小时，电池可用三天。"),
			}
			rank := func(ix *retrieval.Index) (at int) {
				for i, p := range ix.Lexical(tt.question, 5) {
					if p.Document == "answers" {
						return i + 1
					}
				}
				return 99
			}
			alone := rank(index(t, others...))
			ix := index(t, append(others, item("says", 0, 1, tt.says))...)
			if named := rank(ix); named > 2 || named >= alone && alone > 1 {
				t.Errorf("found as number %d where the name is known, as %d where not", named, alone)
			}
			if gone := rank(with(t, ix, nil, "says")); gone != alone {
				t.Errorf("found as number %d once nothing says the name any more, as %d before", gone, alone)
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
