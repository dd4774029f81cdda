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
	all      []string // distinct terms, function words included
	lang     desk.Lang
	simple   bool // asked for one fact
	steps    bool // asks for a way to do something, or states a problem
	when     bool // asks for a time or period
	price    bool // asks about money
	amount   bool // asks for an amount of money
	compares bool // asks for a difference
	several  bool // asks for all of a kind
	parts    bool // asks for more than one thing
}

// splitQuestion cuts a question before each part that asks something of its own
// and can stand alone: "How do I return it | and who pays for the label?".
func splitQuestion(text string) []string {
	var parts []string
	start := 0
	cut := func(end int) {
		if part := text[start:end]; len(contentTerms(part)) >= 2 {
			parts = append(parts, part)
			start = end
		}
	}
	for _, at := range partBorder.FindAllStringIndex(text, maxParts-1) {
		cut(at[0])
	}
	if cut(len(text)); start < len(text) && len(parts) > 0 {
		parts[len(parts)-1] += text[start:] // what is left cannot stand alone
	}
	return parts
}

const maxParts = 3

// partBorder stands before the second and further parts of a question.
var partBorder = regexp.MustCompile(`(?i)(?:,? and (?:also )?|[?;,] +(?:and )?)(?:who|what|when|where|why|how|which|can|do|does|is|are|will)\b|[，？；](?:.)|以及|还有|另外`)

func readQuestion(p llm.Prompt, asked string) question {
	written := placeholder.ReplaceAllString(asked, " ")
	text := lang.Normalise(written)
	q := question{
		lang: p.Lang, simple: p.Route.Kind == desk.Simple, all: distinct(allTerms(text)),
		when: asksWhen.MatchString(text), price: asksPrice.MatchString(text), amount: asksAmount.MatchString(text),
		compares: compares.MatchString(text), several: asksSeveral.MatchString(text), parts: hasParts.MatchString(text),
	}
	q.steps = !q.when && !q.price && (asksSteps.MatchString(text) || !asks.MatchString(text))
	q.raw = distinct(lang.ContentTerms(apart(asking.ReplaceAllString(text, " "))))
	q.terms = same(slices.Clone(q.raw))
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
	name = regexp.MustCompile(`(?:[a-z0-9,'] |\p{Han} ?)([A-Z][\w-]*|\w*\d[\w-]*)|\b[A-Z0-9][\w-]*[A-Z0-9]\w*`)
	asks = regexp.MustCompile(`^(?:(?:and|so|but|hi|hello|please|excuse me|ok)[ ,]+)*(?:what|which|who|whose|whom|where|when|why|how|can|could|may|do|does|did|is|are|was|were|will|would|should|shall|have|has|am|tell|show|give|explain|compare)\b|` +
		`\?|？|吗|呢|什么|怎|如何|哪|谁|多少|几|多久|多长|是否|能否|可否|可不可以|能不能|是不是|有没有|为何`)
	asksWhen = regexp.MustCompile(`\bhow (?:long|soon|fast|quickly|many (?:days|weeks|months|hours))\b|\bwhen (?:do|does|will|can|is|are|did|should)\b|\b(?:deadline|what time)\b|` +
		`多久|多长时间|几天|多少天|几个工作日|什么时候|何时|期限|时效|几点`)
	asksPrice = regexp.MustCompile(`\bhow much (?:is|are|do|does|will|would|did|for|to)\b|\b(?:price|prices|cost|costs|fee|fees|expensive)\b|` +
		`多少钱|价格|费用|运费|收费|手续费|贵不贵|几块|几元`)
	asksAmount  = regexp.MustCompile(`\bhow much (?:is|are|do|does|will|would|did|for)\b|\bwhat (?:do|does|will|would) .*\bcosts?\b|多少钱|(?:费|价格|价钱)(?:用)?(?:是|要|为)?多少|几块|几元`)
	compares    = regexp.MustCompile(`\bdifferen(?:ce|ces|t)\b|\bcompar(?:e|ed|ison)\b|\b(?:versus|vs)\b|区别|差别|不同|对比|比较`)
	asksSeveral = regexp.MustCompile(`\bwhat are\b|\bwhich (?:\w+ ){0,2}\w{3,}s\b|\bwhat (?:\w+ )?(?:methods|options|plans|types|kinds|ways|colou?rs|sizes|models|countries|languages)\b|哪些|哪几|有什么|都有|所有`)
	hasParts    = regexp.MustCompile(`\band\b|\balso\b|[;；？?].|，|以及|还有|并且`)
	asksSteps   = regexp.MustCompile(`\bhow (?:do|to|can|could|should|would|does one)\b|\b(?:steps?|instructions?|guide|procedure)\b|\bwhat (?:can|should|do|must) i do\b|\bwhat to do\b|` +
		`\b(?:isn't|doesn't|won't|can't|cannot|not) (?:work|connect|turn|charge|open|start|load|pair|sign|log|respond|find|show|play|switch)|` +
		`怎么|怎样|如何|咋|步骤|流程|教程|方法|连不上|打不开|没反应|不工作|无法|不能用|失灵`)
	// asking words are about the question, not about its subject.
	asking = regexp.MustCompile(`\b(?:differences?|different|compare[ds]?|comparison|between|versus|vs|explain|details?|information|info|questions?|wonder(?:ing)?|know|help|possible|way|steps?|instructions?|happens?|reasons?|work|works|working|currently|exactly|really|very|always|suddenly|anything|something|someone|many|much|long|any)\b|` +
		`区别|差别|有何不同|不同|对比|比较|原因|介绍|说明|详细|办法|方法|步骤|流程|问题|多长|多久|很|非常|特别|总是|一直|老是|突然|经常`)
)

// holdsTime tells whether text names a time or a period.
func holdsTime(text string) bool { return aTime.MatchString(text) }

// holdsPrice tells whether text names an amount of money, a share or "free".
func holdsPrice(text string) bool { return aPrice.MatchString(text) }

var (
	aTime = regexp.MustCompile(`(?i)\d+\s*(?:business |working )?(?:day|week|month|year|hour|minute|second)s?\b|\b\d{1,2}:\d{2}\b|` +
		`\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|immediately|same day|next day)\b|` +
		`[0-9一二三四五六七八九十两半]+\s*(?:个)?(?:工作日|自然日|天|周|星期|月|年|小时|分钟|秒|日内|点|号)|当天|次日|立即`)
	aPrice = regexp.MustCompile(`(?i)[$€£¥￥]\s*\d|\d\s*(?:%|元|块|美元|人民币|usd|eur|cny|dollars?|euros?)|\bfree\b|without (?:a |any )?(?:fee|charge)|no (?:fee|charge)|免费|包邮|免运费|不收`)
)

// goesOn tells whether a sentence goes on with the matter of the one before.
func goesOn(sentence string) bool { return goingOn.MatchString(sentence) }

var goingOn = regexp.MustCompile(`(?i)^(?:but|however|if|otherwise|it|its|they|this|these|those|that|after|except|only|then|in this case|for this)\b|` +
	`^(?:但|不过|如果|若|否则|超过|其中|除外|另外|逾期|届时|也可以|之后|然后|同时)`)

// leans tells whether a sentence cannot be understood without the one before.
func leans(sentence string) bool { return leaning.MatchString(sentence) }

var leaning = regexp.MustCompile(`(?i)^(?:it|its|they|their|this|these|those|he|she|both|otherwise|then|in this case)\b|^(?:它|这|该|此|两者|否则|届时|其)`)
