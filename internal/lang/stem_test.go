package lang

import (
	"strings"
	"testing"

	"github.com/kljensen/snowball/english"
)

// FuzzStem holds the shortcut to the stemmer that it saves.
func FuzzStem(f *testing.F) {
	for word := range strings.FieldsSeq(`return returns returning returned delivery deliveries organization organizer operator
		nation ration caress ponies cries tie gas kiwis agreed feed sky say enjoy hopeful goodness relational conditional
		valenci digitizer conformabli radicalli differentli vileli analogousli electriciti triplicate formative formalize
		revival allowance inference airliner gyroscopic adjustable defensible irritant replacement adjustment dependent
		adoption homologou communism activate angulariti homologous effective bowdlerize probate rate cease controll roll
		news howe atlas inning proceed 'tis ' '' dogs' don't kyle's yy y`) {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		word = strings.ToLower(word)
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz'") != "" || len(word) > 32 {
			return
		}
		if got, want := stem(word), english.Stem(word, true); got != want {
			t.Errorf("stem(%q) = %q, want %q", word, got, want)
		}
	})
}
