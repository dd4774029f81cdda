package route

import (
	"regexp"
	"strings"
	"unicode"
)

// isPleasantry reports that a normalised question is made of nothing but
// small talk, so that "thanks, but where is my parcel" is none.
func isPleasantry(text string) bool {
	if len(text) > longestPleasantry || strings.ContainsAny(strings.ReplaceAll(text, "3q", ""), "0123456789") {
		return false // the expression is dear, and small talk is short and without numbers
	}
	for _, r := range text {
		if r >= 0x2e80 && unicode.Is(unicode.Han, r) && !strings.ContainsRune(smallTalk, r) {
			return false
		}
	}
	return pleasantries.MatchString(text)
}

// longestPleasantry is in bytes: "many thanks for all your help, have a nice
// day, goodbye" has 60.
const longestPleasantry = 200

// pleasantries matches one or more phrases of small talk with anything that is
// neither letter nor digit around them. Read only.
var pleasantries = regexp.MustCompile(smallTalk)

// smallTalk is the expression. No Han character outside of it is small talk.
var smallTalk = `^[^\p{L}\p{N}]*(?:(?:` + strings.Join([]string{
	`hi+|hello+|hey+|hiya|howdy|greetings|yo|good (?:morning|afternoon|evening|day|night)|morning|evening`,
	`(?:hi |hello |hey )?(?:there|everyone|all|team|kefu|bot|sir|madam|dear|buddy|friend)`,
	`how are you(?: doing)?(?: today)?|how(?:'s| is) it going|what'?s up|nice to meet you|pleased to meet you`,
	`(?:many |ok |okay )?(?:thanks|thank you|thx|ty|cheers)(?: so much| very much| a lot| a million| again| anyway)?(?: for (?:your|the|all your|all the) (?:help|time|support|answer|reply|quick reply|information))?`,
	`(?:i )?(?:really |very much )?appreciate (?:it|your help|that)|much appreciated`,
	`(?:that(?:'s| is|'ll be| will be) )?(?:great|perfect|awesome|cool|nice|wonderful|excellent|all|fine|good)(?: job)?|ok(?:ay)?|got it|i see|no problem|you'?re welcome|never ?mind|you(?:'ve| have) been (?:very |so )?helpful|that helps?(?:ed)?(?: a lot)?|(?:that |this )?was (?:very |really |so )?helpful`,
	`(?:good ?)?bye+(?: bye)?|see (?:you|ya)(?: later| soon| tomorrow)?|take care|have a (?:nice|good|great) (?:day|one|evening|weekend|night)|farewell|(?:talk|speak) (?:to you )?later`,
	`(?:who|what) are you|what(?:'s| is) your name|are you (?:a |an )?(?:human|robot|bot|real|real person|person|ai|machine|chatbot)|what can you do(?: for me)?|can you help(?: me)?|help|i (?:need|have a question|need help|need some help)|can i ask (?:you )?(?:a question|something)|are you there|(?:is )?(?:anyone|anybody|someone|somebody) there|tell me (?:a joke|about yourself)|i love you|you(?:'re| are) (?:great|awesome|funny|amazing)`,
	`你好+|您好+|你们好|大家好|早上好|上午好|中午好|下午好|晚上好|早安|晚安|早|嗨|哈喽|哈囉|哈罗|喂|嘿|在吗|在嗎|在么|在不在|有人吗|有人嗎|有人在吗|有人在嗎|请问|請問|亲|親|客服|小客服|老师|请问在吗`,
	`(?:真的)?(?:非常|十分|太|很|多)?(?:谢谢|謝謝|感谢|感謝|多谢|多謝|谢了|謝了|谢啦|謝啦|辛苦|麻烦)(?:你|您|你们|您们|你們|啦|了|哦|啊|呀|哈)*(?:的(?:帮助|幫助|帮忙|解答|回复|耐心解答))?|谢|3q`,
	`再见|再見|拜拜|拜|回见|回頭見|下次见|下次見|祝(?:你|您)(?:生活|工作)?(?:愉快|顺利|順利|开心)|回头聊`,
	`你是谁|你是誰|您是谁|您是哪位|你是哪位|你叫什么(?:名字)?|你叫什麼(?:名字)?|你是(?:不是)?(?:真人|人工|机器人|機器人|人|ai|人工智能)(?:吗|嗎|客服吗|客服)?|你是什么|你能做什么|你能做什麼|你会做什么|你會做什麼|你会什么|你有什么功能|你可以做什么|你能帮我(?:做什么|什么|吗|嗎)?|介绍一下你自己|自我介绍一下|我有个问题|我想咨询一下|可以问个问题吗|能帮我吗|帮帮我|讲个笑话|我爱你|你真棒|你真好`,
	`好的?|好吧|嗯+|哦+|行|可以|明白了?|知道了|了解了?|懂了|没事了?|沒事了?|没问题|收到|不用了|不客气|不客氣|哈+|呵+|太好了|太棒了|很好|棒|赞|厉害|你吃了吗|最近怎么样|你好吗|你好嗎`,
}, "|") + `)[^\p{L}\p{N}]*)+(?:啊|呀|哦|吧|呢|啦|哈|嘛|的|了)?[^\p{L}\p{N}]*$`
