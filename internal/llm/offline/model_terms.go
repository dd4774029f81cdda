package offline

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// allTerms and contentTerms are lang's, with a number apart from its unit and
// words that customers and help pages use for the same thing made one.
func allTerms(text string) []string { return same(lang.Terms(apart(text))) }

func contentTerms(text string) []string { return distinct(same(lang.ContentTerms(apart(text)))) }

// apart writes "5GHz" and "60W" as "5 GHz" and "60 W".
func apart(text string) string { return measure.ReplaceAllString(text, "$1 $2") }

var measure = regexp.MustCompile(`\b(\d+)(GHz|ghz|MHz|Hz|W|w|V|mAh|GB|gb|MB|kg|g|cm|mm|m|km)\b`)

func same(terms []string) []string {
	for i, t := range terms {
		if s, ok := synonyms[t]; ok {
			terms[i] = s
		}
	}
	return terms
}

// synonyms maps a term, as lang makes them, to the one that stands for it.
var synonyms = groups(
	"turn switch enabl activ", "buy purchas", "parcel packag", "deliveri deliv", "broken faulti defect damag",
	"phone telephon mobil smartphon", "laptop notebook", "cost price fee", "delet remov eras", "repair fix",
	"colour color",
	"支付 付款", "账号 账户 帐号 帐户", "运费 邮费 快递费", "邮箱 邮件", "注销 删除", "维修 修理", "退款 退钱", "坏了 故障 损坏",
)

func groups(groups ...string) map[string]string {
	m := map[string]string{}
	for _, g := range groups {
		words := strings.Fields(g)
		for _, w := range words[1:] {
			m[w] = words[0]
		}
	}
	return m
}

// spans tells whether the i-th of terms, a Han bigram that is not held,
// overlaps a neighbour that is: then it probably spans the border of two words
// (机没 in 耳机没声音, 消订 in 取消订单).
func spans(terms []string, i int, held func(int) bool) bool {
	return i > 0 && held(i-1) && overlap(terms[i-1], terms[i]) ||
		i+1 < len(terms) && held(i+1) && overlap(terms[i], terms[i+1])
}

func overlap(a, b string) bool {
	last, _ := utf8.DecodeLastRuneInString(a)
	first, _ := utf8.DecodeRuneInString(b)
	return last == first && isHan(a) && isHan(b)
}

// isHan reports a term made of Han characters.
func isHan(term string) bool {
	r, _ := utf8.DecodeRuneInString(term)
	return unicode.Is(unicode.Han, r)
}

// isSingle reports a term of one character.
func isSingle(term string) bool { return utf8.RuneCountInString(term) == 1 }

// shareHeld is the share of terms that are among others, those left out that
// only span the border of two words.
func shareHeld(terms, others []string) float64 {
	among := func(i int) bool { return slices.Contains(others, terms[i]) }
	held, all := 0, 0
	for i := range terms {
		switch {
		case among(i):
			held++
			all++
		case !spans(terms, i, among):
			all++
		}
	}
	return float64(held) / float64(max(all, 1))
}

func distinct(terms []string) []string {
	seen := make(map[string]bool, len(terms))
	kept := terms[:0:0]
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	return kept
}

func set(terms []string) map[string]bool {
	m := make(map[string]bool, len(terms))
	for _, t := range terms {
		m[t] = true
	}
	return m
}
