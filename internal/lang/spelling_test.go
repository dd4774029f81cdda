package lang_test

import (
	"testing"

	"kefu/internal/lang"
)

func TestDistanceCountsLettersMisspelt(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		most int
		want int // above most: any
	}{
		{"return", "return", 2, 0},
		{"retrun", "return", 2, 1},
		{"coupon", "cupon", 2, 1},
		{"acount", "account", 1, 1},
		{"warrenty", "warranty", 2, 1},
		{"pasword", "passwort", 2, 2},
		{"return", "refund", 2, 3},
		{"ship", "membership", 2, 3},
	} {
		for _, got := range []int{lang.Distance(tt.a, tt.b, tt.most), lang.Distance(tt.b, tt.a, tt.most)} {
			if min(got, tt.most+1) != tt.want {
				t.Errorf("from %s to %s: %d, want %d", tt.a, tt.b, got, tt.want)
			}
		}
	}
}

func TestOnlyLongWordsOfPlainLettersAreMisspelt(t *testing.T) {
	for term, want := range map[string]int{"ship": 0, "order": 1, "warranty": 2, "t10": 0, "lm-1203": 0, "退货": 0, "naïvely": 0, "": 0} {
		if got := lang.Mistakes(term); got != want {
			t.Errorf("Mistakes(%q) = %d, want %d", term, got, want)
		}
	}
}
