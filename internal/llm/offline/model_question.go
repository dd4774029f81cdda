package offline

import (
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/llm"
)

// question is what is asked, read for what an answer must hold.
type question struct {
	terms    []string // content terms, in order
	raw      []string // the same before synonyms became one
	names    []string // those of them that are written like names
	context  []string // further content terms of the whole question
	part     bool     // it is one of several that the question asks
	counted  []string // what "how many" asks the number of
	all      []string // distinct terms, function words included
	text     string   // normalised
	trouble  bool     // states that something fails
	lang     desk.Lang
	simple   bool            // asked for one fact
	steps    bool            // asks for a way to do something, or states a problem
	facts    []*fact         // kinds of fact that are asked for
	naming   map[string]bool // terms that only name such a kind
	compares bool            // asks for a difference
	several  bool            // asks for all of a kind
}

// counting finds what is counted: recovery codes in "how many recovery codes do
// I get", 次 in 几次.
var counting = regexp.MustCompile(`\bhow many ((?:[a-z-]+ )??[a-z-]+)(?: (?:do|does|can|are|is|did|will|may|should|have|has|could|per|in|on|of)\b|\?|$)|几个?([次人张件条台种款份期级岁倍步道名家颗只盏部层天周月年])`)

// particles are Han characters that only connect where they stand alone.
var particles = set(strings.Split("和与跟或及在有要能会不都还也就该对从到把被让给用做里上下中内后前时再才请最并而但却", ""))

// subject is a text without the words that are about asking.
func subject(text string) string { return asking.ReplaceAllString(lang.Normalise(text), " ") }

// readQuestion reads one part of the prompt's question; context is what the
// rest tells.
func readQuestion(p llm.Prompt, asked, context string) question {
	written := america.ReplaceAllString(placeholder.ReplaceAllString(asked, " "), "USA")
	text := lang.Normalise(written)
	q := question{
		lang: p.Lang, text: text, trouble: troubled(text), simple: p.Route.Kind == desk.Simple, all: distinct(allTerms(text)),
		facts: factsAsked(text), naming: map[string]bool{}, compares: compares.MatchString(text), several: asksSeveral.MatchString(text),
	}
	for _, f := range q.facts {
		for _, w := range f.words {
			q.naming[w] = true
		}
	}
	q.steps = len(q.facts) == 0 && (asksSteps.MatchString(text) || !lang.Asks(text) && (q.trouble || ownCase.MatchString(text)))
	q.raw = slices.DeleteFunc(distinct(lang.ContentTerms(apart(subject(text)))), func(t string) bool { return particles[t] })
	said := slices.Clone(q.raw)
	q.raw = slices.DeleteFunc(q.raw, func(t string) bool {
		return slices.ContainsFunc(said, func(number string) bool { return isPieceOf(t, number) })
	})
	q.terms = same(slices.Clone(q.raw))
	q.context = slices.DeleteFunc(contentTerms(subject(placeholder.ReplaceAllString(context, " "))),
		func(t string) bool { return slices.Contains(q.terms, t) })
	if m := counting.FindStringSubmatch(text); m != nil && slices.Contains(q.facts, aNumber) {
		q.counted = allTerms(m[1] + m[2])
	}
	for _, word := range name.FindAllString(written, -1) {
		for _, t := range contentTerms(word) {
			if slices.Contains(q.terms, t) && strings.Trim(t, "0123456789.") != "" {
				q.names = append(q.names, t)
			}
		}
	}
	return q
}

var (
	// placeholder stands for masked personal data.
	placeholder = regexp.MustCompile(`⟦[A-Z]+_\d+⟧`)
	// name is a word with a capital letter or digit that does not begin a
	// sentence, or a Latin word within Chinese.
	name        = regexp.MustCompile(`(?:[a-z0-9,'] |\p{Han} ?)([A-Z][\w-]*|\w*\d[\w-]*)|\b[A-Z0-9][\w-]*[A-Z0-9]\w*`)
	compares    = regexp.MustCompile(`\bdifferen(?:ce|ces|t)\b|\bdiffers?\b|\bcompar(?:e|ed|ison)\b|\b(?:versus|vs)\b|区别|差别|不同|对比|比较|哪个(?:更|比较)?(?:好|划算|便宜|快)`)
	asksSeveral = regexp.MustCompile(`\bwhat are\b|\bwhich (?:\w+ ){0,2}\w{3,}s\b|\bwhat (?:\w+ )?(?:methods|options|plans|types|kinds|ways|colou?rs|sizes|models|countries|languages)\b|哪些|哪几|有什么|都有|所有`)
	asksSteps   = regexp.MustCompile(`\bhow (?:do|to|can|could|should|would|does one)\b|\b(?:steps?|instructions?|guide|procedure)\b|\bwhat (?:can|should|do|must) i do\b|\bwhat to do\b|` +
		`\b(?:isn't|doesn't|won't|can't|cannot|not) (?:work|connect|turn|charge|open|start|load|pair|sign|log|respond|find|show|play|switch)|` +
		`怎么|怎样|如何|咋|步骤|流程|教程|方法|连不上|打不开|没反应|不工作|无法|不能用|失灵`)
	// asking words are about the question, not about its subject.
	asking = regexp.MustCompile(`\bhow many (?:days|weeks|months|years|hours|minutes)\b|\bstands? for\b|` +
		`\b(?:differences?|different|differs?|compare[ds]?|comparison|between|versus|vs|explain|details?|information|info|questions?|wonder(?:ing)?|know|help|possible|way|steps?|instructions?|happens?|reasons?|work|works|working|currently|exactly|really|very|always|suddenly|anything|something|someone|many|much|long|any|mean|means|meaning)\b|` +
		`(?:多久|多长|多少|几)(?:个)?(?:时间|工作日|小时|星期|分钟|年|月|天|周|钱|元|块|次|人|张|件|条|台|种|款|岁|点|号)?|` +
		`区别|差别|有何不同|不同|对比|比较|` + lang.HowChinese + `|分别|各自|原因|介绍|说明|详细|办法|方法|步骤|流程|问题|意思|很|非常|特别|总是|一直|老是|突然|经常`)
)

// isPieceOf tells whether a term stands in a part number: kt-200 would else
// count three times what any word does.
func isPieceOf(term, number string) bool {
	return term != number && strings.ContainsAny(number, "0123456789") && slices.Contains(strings.FieldsFunc(number, isJoiner), term)
}

func isJoiner(r rune) bool { return r == '-' || r == '_' || r == '/' }

// ownCase finds a statement about the asker: who makes one wants to know what
// to do.
var ownCase = regexp.MustCompile(`\b(?:i|my|me|we|our)\b|我|了`)

// troubled tells whether a normalised text says that something fails.
func troubled(text string) bool { return lang.Negated(text) || trouble.MatchString(text) }

var trouble = regexp.MustCompile(`\b(?:fail(?:s|ed)?|lost|missing|broken?|breaks|damaged|faulty|wrong|refused|rejected|late|stolen|twice|drains|keeps?|locked|forg[eo]t(?:ten)?)\b|失败|丢|坏|损|缺|少了|延误|断|错|失灵|忘记|锁`)

// goesOn tells whether a sentence goes on with the matter of the one before.
func goesOn(sentence string) bool { return goingOn.MatchString(sentence) }

var goingOn = regexp.MustCompile(`(?i)^(?:but|however|if|otherwise|it|its|they|this|these|those|that|after|except|only|then|in this case|for this)\b|` +
	`^(?:但|不过|如果|若|否则|超过|其中|除外|另外|逾期|届时|也可以|之后|然后|同时)`)

// leans tells whether a sentence cannot be understood without the one before.
func leans(sentence string) bool { return leaning.MatchString(sentence) }

var leaning = regexp.MustCompile(`(?i)^(?:it|its|they|their|this|these|those|he|she|both|otherwise|then|in this case)\b|^(?:它|这|该|此|两者|否则|届时|其)`)

// refers tells whether a sentence only says where the answer stands.
func refers(sentence string) bool { return reference.MatchString(sentence) }

var reference = regexp.MustCompile(`(?i)^(?:find out|learn (?:how|more|about|what)|see |read (?:about|more|our)|watch |get details|jump to|for more|more about)|^(?:详见|请看|请参阅|请参考|参见|参考|另见|更多|(?:详情|详细信息|具体|更多信息)(?:，|,)?(?:请|可)?(?:见|看|参阅|参考|参见|查看))`)
