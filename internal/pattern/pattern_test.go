package pattern

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNeedlesStandInEveryMatch(t *testing.T) {
	tests := []struct {
		expression string
		want       []string
	}{
		{`\b(why|what)\b`, []string{"what", "why"}},
		{`^(i|my)\b`, nil}, // "i" stands in most texts
		{`compare[ds]?`, []string{"compare"}},
		{`比.{1,14}(更|高)`, []string{"比"}},
		{` of .* of `, []string{" of "}},
		{`\w+`, nil},
		{`(?:card|\d)$`, nil},
		{`(?:card)?:*`, nil},
		{`(?:订单|单号?)+ `, []string{"单"}},
		{`\b[a-p]{2}x?$`, nil}, // too many to be sought
		{`(?i)why`, []string{"why"}},
		{`(?i)(?:\bfax|tele?phone)[ :]*$`, []string{"fax", "phone"}}, // the longest piece in a row
		{`(?i)(?:身份证|居民证)[^0-9\n]{0,20}$`, []string{"居民证", "身份证"}},
		{`Why(?i:NOT)?`, []string{"why"}}, // in small letters where any part is
		{`Why (?i)NOT|no`, []string{"no", "why "}},
		{`(?i)µg`, nil}, // has two small letters
		{"\ufffd\ufffd", nil},
	}
	for _, tt := range tests {
		if got := MustCompile(tt.expression).needles; !slices.Equal(got, tt.want) {
			t.Errorf("needles of %s = %q, want %q", tt.expression, got, tt.want)
		}
	}
}

func TestNeedlesStandInTheirOrder(t *testing.T) {
	for expression, want := range map[string][][]string{
		` of .* of `:                   {{" of "}, {" of "}},
		`\w \w+(ed|en) (by|in) `:       {{" "}, {"ed by ", "ed in ", "en by ", "en in "}},
		`(\band|,)\s+(also )?(what)\b`: {{"and", ","}, {"what"}},
		`\w+`:                          nil,
		`(?i)what .* why`:              nil,
	} {
		if got := InOrder(Parse(expression)); !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("needles of %s = %q, want %q", expression, got, want)
		}
	}
}

func TestLanguageIsAllThatAnExpressionMatches(t *testing.T) {
	for expression, want := range map[string][]string{
		`compare[ds]?\b`: {"compare", "compared", "compares"},
		`(a|b)(c|d)`:     {"ac", "ad", "bc", "bd"},
		`a{1,3}`:         {"a", "aa", "aaa"},
		`^$`:             {""},
		`a+`:             nil,
		`\pL`:            nil,
		`(?i)no`:         nil,
	} {
		got, ok := Language(Parse(expression))
		if slices.Sort(got); ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("language of %s = %q %v, want %q", expression, got, ok, want)
		}
	}
}

// FuzzTheQuickTestMissesNothing compares expressions that have a quick test in
// front with the plain ones, and the pieces of a match with what is promised.
func FuzzTheQuickTestMissesNothing(f *testing.F) {
	for _, expression := range []string{
		`(?i)(?:\bfax|tele?phone|kilo)[ :]*$`, `\b(?:my|our) (?:\w+ ){0,2}?(?:orders?|parcels?)\b`, `\b[A-Z]{2}\d{2} ?$`, `(?i)[^,，]{0,3}(?:帮忙|取消)`, "\ufffd[a-c]", `(?i)µς|ſK`, `Ab(?i)cd|e`,
	} {
		for _, text := range []string{"Where IS my Order? FAX:", "de\u017f\u212ailo:", "帮忙取消", "a\xffb", "GB82 ", "μσſk"} {
			f.Add(expression, text)
		}
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		plain, err := regexp.Compile(expression)
		if err != nil {
			return
		}
		if got, want := MustCompile(expression).MatchString(text), plain.MatchString(text); got != want {
			t.Errorf("%s matches %q: %v, want %v", expression, text, got, want)
		}
		match := string([]rune(plain.FindString(text))) // broken bytes match as the character for such
		if !plain.MatchString(text) {
			return
		}
		x := Parse(expression)
		if all, ok := Language(x); ok && !slices.Contains(all, match) {
			t.Errorf("%s matches %q, which is none of %q", expression, match, all)
		}
		from := 0
		for _, set := range InOrder(x) {
			first := len(match)
			for _, n := range set {
				if at := strings.Index(match[min(from, len(match)):], n); at >= 0 {
					first = min(first, from+at)
				}
			}
			if first == len(match) {
				t.Fatalf("%s matches %q, which holds none of %q behind %d", expression, match, set, from)
			}
			from = first + 1
		}
	})
}
