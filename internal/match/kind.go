package match

import (
	"slices"
	"strings"
)

// kind is what a question asks for.
type kind uint8

const (
	statement kind = iota // "cancel my order", "退货流程"
	yesNo                 // "can I …", "能不能…"
	manner                // "how do I …", "怎么…"
	quantity              // "how much", "多少"
	duration              // "how long", "多久"
	frequency             // "how often", "多久一次"
	moment                // "when", "什么时候"
	place                 // "where", "哪里"
	person                // "who", "谁"
	reason                // "why", "为什么"
	choice                // "which", "哪个"
	thing                 // "what", "什么"
)

// compatible tells whether an answer to a question of kind a serves one of
// kind b. "Cancel my order" asks for a way, and as well whether there is one.
func compatible(a, b kind) bool {
	if a == b {
		return true
	}
	if a > b {
		a, b = b, a
	}
	return a == statement && (b == yesNo || b == manner || b == thing) || a == choice && b == thing
}

// englishKind reads the first question word, wherever it stands ("do you know
// when …"), else the verb in front.
func englishKind(words []string) kind {
	for i, w := range words {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch w {
		case "how":
			return englishHow(next)
		case "what", "what's":
			if next == "time" || next == "date" || next == "day" {
				return moment
			}
			return thing
		case "when", "when's":
			return moment
		case "where", "where's":
			return place
		case "who", "whom", "whose", "who's":
			return person
		case "why", "why's":
			return reason
		case "which":
			if i == 0 { // later it mostly begins a clause: "the card which I lost"
				return choice
			}
		}
	}
	if len(words) > 0 && slices.Contains(auxiliaries, words[0]) {
		return yesNo
	}
	return statement
}

func englishHow(next string) kind {
	switch next {
	case "much", "many", "big", "large", "heavy", "far", "old", "tall", "high", "big's":
		return quantity
	case "long", "soon", "quickly", "fast":
		return duration
	case "often", "frequently":
		return frequency
	case "come":
		return reason
	default:
		return manner
	}
}

// auxiliaries begin a question that yes or no answers. Read only.
var auxiliaries = strings.Fields(`can could may might will would shall should must do does did is are am was were has have had
	can't couldn't won't wouldn't shouldn't don't doesn't didn't isn't aren't wasn't weren't hasn't haven't hadn't`)

// chineseKinds lists the words that tell the kind, the telling first. Read
// only.
var chineseKinds = []struct {
	kind  kind
	words []string
}{
	{frequency, strings.Fields("多久一次 几次 幾次 多少次")},
	{duration, strings.Fields("多久 多长时间 多長時間 多少时间 多少天 几天 幾天 几个月 几周 几小时 多少年 几年")},
	{moment, strings.Fields("什么时候 什麼時候 何时 何時 什么时间 什麼時間 哪天 哪一天 几点 幾點 几号 几月 哪年 哪一年 哪個年 啥时候 啥时")},
	{place, strings.Fields("哪里 哪裡 哪裏 哪儿 哪兒 何处 何處 什么地方 什麼地方 啥地方 在哪 去哪 到哪")},
	{reason, strings.Fields("为什么 為什麼 为何 為何 为啥 怎么回事 什么原因 什麼原因 怎么会 怎麼會")},
	{quantity, strings.Fields("多少 多大 多高 多重 多远 多遠 多长 多長 几个 幾個 几种 几折 几件 几张")},
	{person, strings.Fields("谁 誰 哪位 什么人 什麼人")},
	{manner, strings.Fields("怎么 怎麼 怎样 怎樣 如何 咋")},
	{choice, strings.Fields("哪个 哪個 哪些 哪种 哪種 哪一 哪家 哪款")},
	{yesNo, strings.Fields("能不能 可不可以 是不是 有没有 有沒有 会不会 會不會 要不要 是否 能否 可否 吗 嗎")},
	{thing, strings.Fields("什么 什麼 啥 何")},
}

// withoutKinds takes those words out: the 多 of 多久 is no opposite of 少. Read
// only.
var withoutKinds = func() *strings.Replacer {
	var pairs []string
	for _, k := range chineseKinds {
		for _, w := range k.words {
			pairs = append(pairs, w, " ")
		}
	}
	return strings.NewReplacer(pairs...)
}()

func chineseKind(plain string) kind {
	for _, k := range chineseKinds {
		if containsAny(plain, k.words...) {
			return k.kind
		}
	}
	if strings.HasSuffix(strings.TrimSpace(plain), "么") || strings.HasSuffix(strings.TrimSpace(plain), "不") {
		return yesNo
	}
	return statement
}

func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
