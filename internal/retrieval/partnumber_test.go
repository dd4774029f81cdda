package retrieval_test

import (
	"strings"
	"testing"

	"kefu/internal/desk"
)

func TestAPartNumberIsFoundHoweverItIsWritten(t *testing.T) {
	ways := []string{"AB-1203", "AB1203", "ab 1203", "ab-1203", "AB_1203", "ＡＢ－１２０３"}
	for _, written := range ways {
		ix := index(t,
			item("part", 0, 1, "The battery "+written+" has a warranty of 12 months."),
			item("next", 0, 1, "The battery "+strings.Replace(strings.Replace(written, "1203", "1204", 1), "１２０３", "１２０４", 1)+" has a warranty of 12 months."),
			item("digits", 0, 1, "We sold 1203 batteries with a warranty of 12 months."),
			item("letters", 0, 1, "The AB series of batteries has a warranty of 12 months."))
		for _, asked := range ways {
			question := "what is the warranty of the " + asked + " battery"
			found := ix.Lexical(question, 4)
			if found[0].ID != "part#0" || found[0].Score <= found[1].Score {
				t.Errorf("%s asked, %s written: found %v", asked, written, ids(found))
			}
			if e := evidence(ix, question); e.Numbers != 0 || e.Coverage < 0.8 {
				t.Errorf("%s asked, %s written: evidence %+v", asked, written, e)
			}
		}
		if e := evidence(ix, "what is the warranty of the AB-1205 battery"); e.Numbers != 1 {
			t.Errorf("AB-1205 asked, %s written: %d numbers are missing, want 1", written, e.Numbers)
		}
	}
}

func TestAmountsYearsAndVersionsAreNoPartNumbers(t *testing.T) {
	ix := index(t,
		item("a", 0, 1, "In 2019 it cost 1203 dollars."), item("b", 0, 1, "Version 5.4 and v5.4 are old."),
		item("c", 0, 1, "The in2019 is a lamp."), item("d", 0, 1, "Fees are low."))
	for question, want := range map[string]desk.ChunkID{"in 2019": "a#0", "v5.4": "b#0"} {
		found := ix.Lexical(question, 1)
		if len(found) != 1 || found[0].ID != want {
			t.Errorf("%s found %v, want %s", question, ids(found), want)
		}
	}
}
