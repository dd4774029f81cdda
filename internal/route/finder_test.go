package route

import (
	"regexp"
	"testing"
)

func TestMostSignsAreListsOfPhrases(t *testing.T) {
	for _, rules := range []rules{english, chinese} {
		if len(rules.signs) > mostSigns {
			t.Errorf("%d signs, want at most %d", len(rules.signs), mostSigns)
		}
		dear := 0
		for _, x := range rules.finder.exprs {
			if x != nil {
				dear++
			}
		}
		if dear > len(rules.signs)/2 {
			t.Errorf("%d of %d signs are expressions, want less than half", dear, len(rules.signs))
		}
	}
}

func FuzzOnePassFindsWhatTheExpressionsFind(f *testing.F) {
	f.Add("which plan is cheaper than basic, and what if it fails?")
	f.Add("who that who which and\nwho after what was opened by us, whom\xffwho")
	f.Add("如果没收到货，怎么办？另外运费比之前更贵吗")
	expressions := map[string]*regexp.Regexp{}
	for _, rules := range []rules{english, chinese} {
		for _, s := range rules.signs {
			expressions[s.pattern] = regexp.MustCompile(s.pattern)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, rules := range []rules{english, chinese} {
			counts := rules.finder.count(text)
			for i, s := range rules.signs {
				if want := len(expressions[s.pattern].FindAllStringIndex(text, s.most)); counts[i] != want {
					t.Fatalf("%s in %q: found %d times, want %d", s.pattern, text, counts[i], want)
				}
			}
		}
	})
}
