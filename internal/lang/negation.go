package lang

import (
	"strings"
	"unicode"
)

// Negated tells whether a lower-case text in English or Chinese says no
// somewhere: "cannot", "n't", "without", 不, 没有, but not in 能不能 or 不同.
func Negated(text string) bool {
	if strings.ContainsAny(innocent.Replace(text), "不没沒未别勿非") || strings.Contains(text, "无法") || strings.Contains(text, "無法") {
		return true
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' && r != '’' }) {
		if isNegation(word) {
			return true
		}
	}
	return false
}

func isNegation(word string) bool {
	switch word {
	case "not", "no", "never", "cannot", "without", "none", "nothing", "neither", "nor", "unable", "nobody", "nowhere":
		return true
	default:
		return strings.HasSuffix(word, "n't") || strings.HasSuffix(word, "n’t")
	}
}

// innocent takes out the words that hold a negation without negating. Read
// only.
var innocent = strings.NewReplacer(without(`能不能 可不可以 是不是 会不会 會不會 有没有 有沒有 要不要 好不好 行不行 用不用 需不需要
	收不收 退不退 支不支持 不同 不一样 不过 不過 差不多 对不起 不好意思 不客气 不錯 不错 分别 分別 区别 區別 特别 特別 级别 級別 性别 性別 类别 類別
	识别 識別 个别 個別 别的 别人 非常 非洲 未来 未來 除非 没问题`)...)

func without(words string) []string {
	var pairs []string
	for w := range strings.FieldsSeq(words) {
		pairs = append(pairs, w, "")
	}
	return pairs
}
