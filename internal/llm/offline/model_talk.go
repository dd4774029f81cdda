package offline

import (
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// NotFound is what the model says when its sources hold no answer. It carries
// no citation, by which the absence is recognised.
func NotFound(l desk.Lang) string {
	return in(l, "抱歉，我在现有资料中没有找到这个问题的答案。",
		"I'm sorry, I could not find an answer to this in the available sources.")
}

// courtesy answers a pleasantry by its kind.
func courtesy(question string, l desk.Lang) string {
	q := " " + lang.Normalise(question) + " "
	switch {
	case holdsAny(q, "who are you", "what are you", "your name", "are you a ", "are you an ", "are you real", "are you human",
		"你是谁", "您是谁", "你叫什么", "机器人", "你是人", "是真人", "你是什么", "介绍一下你", "介绍一下自己"):
		return in(l, "我是帮助中心的自动问答助手，回答都摘自帮助中心的文章，并注明出处。请问有什么可以帮您？",
			"I'm the automatic assistant of this help centre: I answer by quoting its articles and naming them. What would you like to know?")
	case holdsAny(q, "thank", " thx ", " cheers ", "appreciate", "谢", "多谢", "辛苦了", "太好了", "帮大忙"):
		return in(l, "不客气！如果还有其他问题，随时告诉我。",
			"You're welcome! If there is anything else, just ask.")
	case holdsAny(q, "bye", " see you ", " see ya ", "good night", "have a nice day", "再见", "拜拜", "回头见", "晚安", "下次见"):
		return in(l, "再见，祝您一切顺利！", "Goodbye, and have a good day!")
	case holdsAny(q, " ok ", " okay ", " great ", " perfect ", " got it ", "好的", "明白", "知道了", "收到", "没问题"):
		return in(l, "好的。还有什么可以帮您？", "Glad to hear it. Is there anything else I can help with?")
	}
	return in(l, "您好！请问有什么可以帮您？", "Hello! What can I help you with?")
}

func in(l desk.Lang, zh, en string) string {
	if l == desk.Chinese {
		return zh
	}
	return en
}

func holdsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
