package mask

import (
	"strings"
	"testing"

	"kefu/internal/pattern"
)

// FuzzQuickTestsMissNothing compares what the tests in front of patterns let
// through with the patterns themselves.
func FuzzQuickTestsMissNothing(f *testing.F) {
	for _, text := range []string{
		"My PHONE number is", "de\u017f\u212a:", "\u017foCIAL \u017fecurity ", "身份证号是", "paid by ca", "Your order nr. ", "tracking\xffno", "GB82 WEST 1234",
		"E12345678", "x-1234567-l", "12.345.678-z", "12.345.678z", "s1234567d", "ab 12 34 56 c", "AB 123456c", "ab123456c", "131052-3089", "131052A308T", "RSSMRA85T10A562S", "ABCPK1234L",
	} {
		f.Add(text)
	}
	patterns := []*pattern.Regexp{phoneWords, ordered, account, cards, socialSecurity, residence}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range patterns {
			if got, want := w.MatchString(text), w.Regexp.MatchString(text); got != want {
				t.Errorf("%s matches %q: %v, want %v", w, text, got, want)
			}
		}
		s := newText(text)
		for _, p := range papers {
			if p.pattern.MatchString(s.s) && !s.mixed && !strings.ContainsAny(s.s, p.joints) {
				t.Errorf("%q is not looked through for %s", text, p.pattern)
			}
		}
		if ipv4.MatchString(s.s) && strings.Count(s.s, ".") < 3 {
			t.Errorf("%q is not looked through for addresses", text)
		}
	})
}
