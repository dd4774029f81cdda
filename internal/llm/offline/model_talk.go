package offline

import (
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// courtesy answers a pleasantry by its kind.
func courtesy(question string, l desk.Lang) string {
	q := " " + lang.Normalise(question) + " "
	switch {
	case holdsAny(q, "who are you", "what are you", "your name", "are you a ", "are you an ", "are you real", "are you human", "what can you do", "about yourself", " are you ai ",
		"你是谁", "你是誰", "您是谁", "您是哪位", "你是哪位", "你叫什", "机器人", "機器人", "真人", "人工", "你是人", "你是什", "你是不是", "能做什", "可以做什", "会做什", "會做什", "会什么", "什么功能", "自我介绍", "介绍一下你"):
		return in(l, "我是帮助中心的自动问答助手，回答都摘自帮助中心的文章，并注明出处。请问有什么可以帮您？",
			"I'm the automatic assistant of this help centre: I answer by quoting its articles and naming them. What would you like to know?")
	case holdsAny(q, "thank", " thx ", " ty ", "cheers", "appreciate", "谢", "謝", "感谢", "辛苦", "麻烦", "3q"):
		return in(l, "不客气！如果还有其他问题，随时告诉我。",
			"You're welcome! If there is anything else, just ask.")
	case holdsAny(q, "bye", "see you", "see ya", "good night", "take care", "have a ", "farewell", " later ", "再见", "再見", "拜拜", "回见", "回頭見", "回头聊", "晚安", "下次见", "下次見", "祝你", "祝您"):
		return in(l, "再见，祝您一切顺利！", "Goodbye, and have a good day!")
	case holdsAny(q, " ok", "great", "perfect", "awesome", "cool", "wonderful", "excellent", "got it", "i see", "no problem", "never mind", "nevermind", "helpful", "helped", "helps",
		"好的", "好吧", "行", "明白", "知道了", "了解", "懂了", "收到", "没问题", "没事", "沒事", "不用了", "太好了", "太棒", "很好", "真棒", "厉害"):
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
