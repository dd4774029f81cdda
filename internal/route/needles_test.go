package route

import (
	"slices"
	"testing"
)

func TestNeedlesStandInEveryMatch(t *testing.T) {
	tests := []struct {
		pattern string
		want    []string
	}{
		{`\b(why|what)\b`, []string{"why", "what"}},
		{`^(i|my)\b`, nil},
		{`compare[ds]?`, []string{"compare", "compared", "compares"}},
		{`比.{1,14}(更|高)`, []string{"比"}},
		{` of .* of `, []string{" of "}},
		{`\w+`, nil},
		{`(?i)why`, nil},
	}
	for _, tt := range tests {
		if got := re(tt.pattern).needles; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(tt.want))) {
			t.Errorf("needles of %s = %q, want %q", tt.pattern, got, tt.want)
		}
	}
}

func FuzzTheQuickTestNeverMissesAMatch(f *testing.F) {
	f.Add("which plan is cheaper than basic, and what if it fails?")
	f.Add("如果没收到货，怎么办？另外运费比之前更贵吗")
	f.Fuzz(func(t *testing.T, text string) {
		for _, rules := range []rules{english, chinese} {
			for _, s := range rules.signs {
				if s.pattern.MatchString(text) && !s.pattern.may(text) {
					t.Fatalf("%s matches %q without any of %q", s.pattern, text, s.pattern.needles)
				}
			}
		}
	})
}
