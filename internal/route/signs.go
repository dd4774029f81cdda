package route

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sign is a pattern in a normalised question and what one occurrence of it, of
// at most most, adds to the log odds of complex.
type sign struct {
	reason  string
	weight  float64
	most    int
	pattern string
}

// rules are the signs of one language.
type rules struct {
	start  float64 // log odds of a question without any sign
	name   float64 // for each proper name after the first word, up to three
	usual  int     // size up to which length says nothing
	length float64 // for each usual size more, up to three
	signs  []sign
	finder finder
}

// english and chinese are read only.
var english = ready(rules{
	start: -1.5, name: 0.9, usual: 10, length: 0.5,
	signs: []sign{
		{ReasonSeveralQuestions, 1.6, 2, `(\band|\balso|,|;|\?)\s+(also |then )?(what|how|who|where|when|why|which|whether|can|could|do|does|is|are|will|should)\b`},
		{ReasonSeveralQuestions, 0.4, 1, `\band\b`},
		{ReasonSeveralQuestions, 0.5, 1, `\b(both|each|respectively|all of)\b`},
		{ReasonSeveralQuestions, 0.8, 1, `\b(several|multiple|various|different)\b`},

		{ReasonComparison, 1.9, 1, `\b(compare[ds]?|comparison|versus|vs|differences?|differs?|pros and cons)\b`},
		{ReasonComparison, 1.6, 1, `\b(cheaper|better|worse|faster|slower|larger|smaller|older|younger|bigger|taller|higher|lower|longer|shorter|earlier|later|more|less|fewer)\b.*(\bthan\b|\bor\b)`},
		{ReasonComparison, 1.2, 1, `^(should|shall|would|is it)\b.*\bor\b`},
		{ReasonComparison, 0.7, 1, `\bor\b`},
		{ReasonComparison, 0.6, 1, `\b(same|than|between|either|neither|instead of|rather than)\b`},

		{ReasonCondition, 1.6, 2, `\b(if|unless|in case|what happens|what would happen|provided that|depending on)\b`},
		{ReasonCondition, 0.8, 1, `.\b(after|before|without|even though|although|because|since|but|while)\b`},

		{ReasonSteps, 1.9, 1, `\b(step[- ]by[- ]step|steps|procedure|process|walk me through|guide me|instructions|troubleshoot(ing)?)\b`},
		{ReasonSteps, 1.4, 1, `\b(set ?up|configure|migrate|integrate|move|what (do|should|must|can) i (need to |have to )?do)\b`},
		{ReasonSteps, 1.2, 1, `\b(fix|repair|solve|not working|(does|do|is|are|has|will|wo|can)(n't| not)|keeps? \w+ing|stopped|fails?|failed|error|broken)\b`},

		{ReasonSteps, 1.2, 1, `\b(cracked|damaged|missing|wrong|lost|stolen|leaking|twice|defective|faulty)\b`},
		{ReasonContext, 1.2, 1, `^(i|my|we|our)\b`},

		{ReasonExplanation, 1.7, 1, `\b(why|explain|describe|elaborate|details|reasons?|how come|overview|everything|advantages|pros)\b`},
		{ReasonExplanation, 1.0, 1, `\b(in detail|detailed|everything)\b`},

		{ReasonMultiHop, 0.6, 2, `.\b(who|which|that|whose|whom)\b`},
		{ReasonMultiHop, 0.7, 1, `\w \w+(ed|en|un|ot|ld) (by|in|for|on|with|at) `},
		{ReasonMultiHop, 0.3, 1, ` of .* of `},
		{ReasonMultiHop, 0.4, 1, `"`},
		{ReasonMultiHop, 0.4, 1, `,`},

		{ReasonAggregate, 0.5, 1, `^how many\b|\bnumber of\b|\bin total\b`},
		{ReasonAggregate, 0.4, 1, `\b(most|least|largest|smallest|highest|lowest|longest|shortest|oldest|youngest|biggest|tallest|average|at least)\b`},
		{ReasonAggregate, 0.4, 1, `^which\b`},
		{ReasonAggregate, 0.5, 1, `^(is|are|was|were|did|does|do|has|have)\b`},

		{"", -0.9, 1, `^when\b`},
		{"", -0.6, 1, `^(who|where)\b`},
		{"", -0.9, 1, `^how many (days|weeks|months|years|hours|minutes)\b`}, // a time, and nothing to count
	},
})

var chinese = ready(rules{
	start: -0.9, name: 0, usual: 16, length: 0.5,
	signs: []sign{
		{ReasonSeveralQuestions, 1.6, 2, `(什么|怎么|怎样|如何|多少|多久|哪|谁|吗|几|麼|嗎|幾)[^，,;；。?]*[，,;；。?].*(什么|怎么|怎样|如何|多少|多久|哪|谁|吗|几|由谁|麼|嗎|幾)`},
		{ReasonSeveralQuestions, 1.3, 1, `以及|并且|並且|分别|分別|另外|同时|同時|各自|还有|還有`},

		{ReasonComparison, 2.0, 1, `区别|區別|不同|差异|差異|差别|差別|对比|對比|相比|比较|比較|优缺点|優缺點|哪个更|哪個更|哪个好|哪個好|还是|還是`},
		{ReasonComparison, 1.3, 1, `比.{1,14}(更|高|大|小|多|少|早|晚|长|長|短|便宜|贵|快|慢|好)|更[^新换換改正]|同一|相同|都是|一样|一樣`},

		{ReasonCondition, 1.3, 1, `会怎样|会怎么样|會怎樣|如果|假如|要是|万一|的情况下|的情況下|的话|的話|之后还|之後還|超过.{1,8}(还|能|可)|超過.{1,8}(還|能|可)`},
		{ReasonCondition, 0.7, 1, `但是|但|因为|因為|没有.{1,10}(能|可以|怎么)|沒有.{1,10}(能|可以|怎麼)|已经|已經|之后|之後|以后|以後`},

		{ReasonSteps, 1.9, 1, `步骤|步驟|流程|一步一步|教程|配置|迁移|遷移|故障|排查`},
		{ReasonSteps, 1.3, 1, `怎么办|怎麼辦|怎么解决|怎麼解決|如何解决|如何解決|如何处理|如何處理|怎么处理|怎麼處理|无法|無法|不能|报错|報錯|失败|失敗|打不开|打不開|连不上|連不上|没反应|沒反應|质量问题|品質問題|坏了|壞了|破损|破損|丢了|丟了|发错|發錯|没有声音|没收到|沒收到|一直不|一直没`},
		{ReasonSteps, 1.2, 1, `断开|斷開|漏水|收不到|登录不了|登入不了|用不了|没用|沒用|不行|不合适|不合適|不对|不對|被拒|提示|显示|顯示|扣了|少了`},

		{ReasonExplanation, 1.7, 1, `原因|原理|详细|詳細|解释|解釋|说明|說明|介绍|介紹|具体|具體`},
		{ReasonExplanation, 2.0, 1, `为什么|為什麼|为何|為何`},
		{ReasonExplanation, 0.8, 1, `所有|全部|一切`},

		{ReasonMultiHop, 1.3, 1, `[^，,。、的]{1,14}的[^，,。、的是]{1,10}的[^，,。、?]{2,}`},
		{ReasonMultiHop, 0.7, 1, `的.*的`},
		{ReasonMultiHop, 0.6, 1, `^[^，,]{2,25}的[^，,的是]{2,4}(是|有|属|屬|叫|在|出生)`},

		{ReasonAggregate, 0.7, 1, `有多少|多少[个個人种種部次家座本名位]|[共总總]有|总数|總數|几[个個部家种種]|幾[個部家種]`},
		{ReasonAggregate, 0.4, 1, `哪[个些种家位部個種]|最|至少`},
		{ReasonAggregate, 0.8, 1, `吗$|嗎$|是否|是不是|有没有|有沒有`},

		{"", -0.4, 1, `何时|什么时候|哪年|哪一年|何時|什麼時候`},
		{"", -0.5, 1, `\d`},
		{"", -0.3, 2, `[，,]`},
	},
})

func ready(r rules) rules {
	r.finder = newFinder(r.signs)
	return r
}

// size counts what carries meaning: words, numbers and single Han characters.
func size(text string) int {
	n, inWord := 0, false
	for _, r := range text {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if unicode.Is(unicode.Han, r) || letter && !inWord {
			n++
		}
		inWord = letter && !unicode.Is(unicode.Han, r)
	}
	return n
}

// namesIn counts the runs of capitalised words after the first word: "the
// Michael Jackson hit Beat It" has two.
func namesIn(question string) int {
	names, inName := 0, false
	words := strings.Fields(question)
	for i, word := range words {
		word = strings.TrimLeft(word, `"'(“‘`)
		first, _ := utf8.DecodeRuneInString(word)
		capital := unicode.IsUpper(first) && i > 0 && word != "I" && !strings.HasPrefix(word, "I'") && !strings.HasPrefix(word, "I’") &&
			!strings.ContainsAny(words[i-1], ".?!")
		if capital && !inName {
			names++
		}
		inName = capital || inName && (word == "of" || word == "the" || word == "de" || word == "von" || word == "van")
	}
	return names
}
