package lang

import (
	"testing"
	"unicode"
)

func TestEveryUsualCharacterFoldsAsInAnyScript(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if isUnusual(r) {
			continue
		}
		if got, want := fold(string(r)), foldAny(string(r)); got != want {
			t.Errorf("%U folds to %q, want %q", r, got, want)
		}
	}
}

func FuzzUsualTextFoldsAsInAnyScript(f *testing.F) {
	for _, text := range []string{"How Long?\n", "请问Ａ－１２，退货要多久？", "（ＡＢ）。、～", "“Don’t” – it’s • A › B — C", "é\xff", "ﬁ각", "①²"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := fold(text), foldAny(text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	})
}
