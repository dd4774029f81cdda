package offline

import (
	"regexp"
	"slices"

	"kefu/internal/lang"
)

// fact is a kind of thing that a few words state: a period, a price, an
// address. A question that asks for one is answered by what states one.
type fact struct {
	asked  *regexp.Regexp // in a normalised question
	stated *regexp.Regexp // in a quote
	must   bool           // nothing else can answer
	words  []string       // name the kind: an answer may do without them
}

// The kinds that are told apart. Read only.
var (
	aPeriod = &fact{
		asked: regexp.MustCompile(`\bhow (?:long|soon|fast|quickly|many (?:\w+ )?(?:days|weeks|months|years|hours|minutes))\b|\b(?:lifetime|validity|how often)\b|` +
			`多久|多长(?:时间|[？?]?$)|多快|(?:几|多少)(?:个)?(?:天|周|月|年|小时|分钟|工作日|星期)|什么时限|时效`),
		stated: regexp.MustCompile(period + `|\b\d+(?:\.\d+)? ?(?:metres?|meters?|cm|centimetres?)\b|\d ?(?:米|厘米)`),
		must:   true,
		words: contentTerms(`valid expire expiry last take lifetime validity period time deadline keep stay
			有效 有效期 期限 时间 时长 保留 失效 过期 到期 最长 最多 最少 能用 可用`),
	}
	aClock = &fact{
		asked:  regexp.MustCompile(`\bwhat time\b|\b(?:opening|closing|business|office|service) hours\b|几点(?:[^几]|$)|(?:营业|上班|服务|工作)时间`),
		stated: regexp.MustCompile(`\b\d{1,2}:\d{2}\b|(?i)\b\d{1,2} ?[ap]\.?m\b|24 ?/ ?7|day and night|\d 点|\d点|全天|24 ?小时`),
		must:   true,
		words:  contentTerms(`open close hours time start end 上班 下班 开门 关门 营业 时间 开始 结束`),
	}
	aMoment = &fact{
		asked:  regexp.MustCompile(`\bwhen\b|\bdeadline\b|什么时候|何时|啥时候|哪天|几号|期限`),
		stated: regexp.MustCompile(period + `|` + date),
		words:  contentTerms(`arrive start begin become happen date 时间 开始 日期`),
	}
	aWeight = &fact{
		asked:  regexp.MustCompile(`\bhow heavy\b|\bhow much (?:does|do) .* weigh\b|\bweight of\b|多重|几斤|重量(?:是|多少)|多少(?:公?斤|千?克)`),
		stated: regexp.MustCompile(`(?i)\d ?(?:kg|g|grams?|kilograms?|lbs?|pounds|ounces?|oz)\b|[\d一二三四五六七八九十半两] ?(?:公斤|千克|克|斤|吨)`),
		must:   true,
		words:  contentTerms(`weigh weight heavy 重量 体重`),
	}
	anAmount = &fact{
		asked: regexp.MustCompile(`\bhow much (?:is|are|do|does|will|would|did|for)\b|\bwhat (?:do|does|will|would) .*\bcosts?\b|\bwhat(?:'s| is| are) the (?:\w+ ){0,3}(?:price|cost|fee)\b|` +
			`多少钱|(?:费|价格|价钱)(?:用)?(?:是|要|为)?多少|几块|几元|多少元`),
		stated: regexp.MustCompile(`(?i)[$€£¥￥]\s*\d|(?:\d|\b` + numeral + `)\s*(?:` + currency + `)|\bfree\b|no (?:fee|charge)|免费|免运费|不收`),
		must:   true,
		words:  priceWords,
	}
	aCharge = &fact{
		asked:  regexp.MustCompile(`\b(?:costs?|fees?|expensive|charge|charged|pay extra)\b|\bhow much\b|费用|运费|收费|手续费|贵不贵|要钱`),
		stated: price,
		words:  priceWords,
	}
	aPhone = &fact{
		asked: regexp.MustCompile(`\b(?:` + whatIs + `) (?:\w+ ){0,4}(?:(?:phone|telephone) numbers?|hotline)\b|\bnumber (?:(?:can|do|should) i|to) call\b|^(?:\w+ ){0,2}(?:phone|telephone) number$|` +
			`(?:电话|热线)(?:号码)?(?:是|为)?(?:多少|几|什么)|打(?:哪个|什么|几号)电话|^(?:你们|客服|官方|联系|服务|人工|的)*(?:电话|热线)(?:号码)?$`),
		stated: regexp.MustCompile(`\+?\d[\d() -]{5,}\d|\b\d{5}\b`),
		must:   true,
		words:  contentTerms(`phone telephone number call line hotline contact support service customer 电话 号码 热线 联系 客服 服务`),
	}
	anEmail = &fact{
		asked: regexp.MustCompile(`\b(?:` + whatIs + `) (?:\w+ ){0,3}e-?mail address\b|^(?:\w+ ){0,2}e-?mail address$|` +
			`(?:邮箱|邮件地址)(?:地址)?(?:是|叫)?(?:什么|多少|哪个|哪一个)|(?:哪个|什么)(?:邮箱|邮件地址)`),
		stated: regexp.MustCompile(`[\w.+-]+@[\w-]+\.\w+`),
		must:   true,
		words:  contentTerms(`e-mail email mail address contact support service customer 邮箱 邮件 地址 电子 联系 客服 服务`),
	}
	aNumber = &fact{
		asked: regexp.MustCompile(`\bhow many\b|\bwhat(?:'s| is| are) the (?:\w+ )?(?:maximum|minimum|limit|number|amount)\b|\bhow much [a-z]+ (?:is|are|do|does|can|has|have)\b|\bnumber of\b|` +
			`(?:几|多少)(?:次|人|个|位|张|件|条|台|种|款|份|期|级|岁|倍|步|道|名|家|颗|只|盏|部|层|米|瓦|兆|毫安)|是多少`),
		stated: regexp.MustCompile(`(?i)\d|\b(?:` + numeral + `|once|twice|several|unlimited|none|no limit)\b|` +
			`[一二三四五六七八九十百千两半](?:次|人|个|位|张|件|条|台|种|款|份|期|级|岁|倍|步|道|名|家|颗|只|盏|部|层|分之)|不限|没有上限`),
		must:  true,
		words: contentTerms(`number many maximum most limit total 数量 最多 最少 上限 一共 总共 多少`),
	}
)

const (
	// whatIs begins a question for a name, number or address.
	whatIs = `what(?:'s| is| are)?|which|is there an?|do you have an?|give me|tell me`
	// numeral matches an English number word, also "twenty-four".
	numeral = `(?:` + lang.NumberWords + `)(?:-[a-z]+)?`
	// period matches a length of time, or that there is none or no end.
	period = `(?i)(?:\d|\b(?:a|an|few|` + numeral + `))[\s-]*(?:business |working |calendar |full )?(?:days?|weeks?|months?|years?|hours?|minutes?)\b|\d\s*seconds?\b|` +
		`\b(?:immediately|at once|instantly|same day|next day|permanently|forever|never expires?|no time limit)\b|` +
		`[0-9一二三四五六七八九十两半]+\s*(?:个)?(?:多)?(?:工作日|自然日|天|日|周|星期|月|年|小时|分钟|秒)|当天|次日|立即|马上|实时|永久|长期有效|不会过期|不限时`
	// currency matches the name of one, in any case.
	currency = `[美欧日港韩加澳新]?元|块|[港台]币|新台币|英镑|法郎|克朗|卢布|人民币|(?:usd|eur|gbp|jpy|cny|rmb|hkd|twd|cad|aud|sgd|chf|sek|nok|dkk|inr|` +
		`dollars?|euros?|pounds?|yen|yuan|cents?|pence|francs?|crowns?|kron(?:er|or|a)|kr|rupees?|rou?bles?|pesos?|dirhams?|ringgit|baht|zloty)\b`
	// date matches a point in time.
	date = `\b\d{1,2}:\d{2}\b|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday|before|after|until|once|when|as soon as|at dispatch)\b|` +
		`\d\s*(?:月|点|号|日)|之前|之后|以后|以前|时候|时(?:扣|付|生效|发)`
)

// price matches an amount of money, a share, or that there is none to pay.
var (
	price      = regexp.MustCompile(`(?i)[$€£¥￥]\s*\d|(?:\d|\b` + numeral + `)\s*(?:%|percent|` + currency + `)|\bfree\b|without (?:a |any )?(?:fee|charge)|no (?:fee|charge)|免费|包邮|免运费|不收|免息|半价`)
	priceWords = contentTerms(`cost price fee charge pay expensive 价格 费用 收费 价钱 售价`)
)

// factsAsked returns the kinds of fact that a normalised question asks for:
// those that must be stated where there are any, the more telling first.
func factsAsked(text string) []*fact {
	var must, may []*fact
	for _, f := range []*fact{aPeriod, aClock, aMoment, aWeight, anAmount, aCharge, aPhone, anEmail, aNumber} {
		switch {
		case !f.asked.MatchString(text):
		case !f.must:
			may = append(may, f)
		case len(must) == 0 || f != aNumber && (f != anAmount || must[0] != aWeight):
			must = append(must, f)
		}
	}
	if len(must) > 0 {
		return must
	}
	return may
}

// statesAny tells whether text states one of the facts.
func statesAny(facts []*fact, text string) bool {
	return slices.ContainsFunc(facts, func(f *fact) bool { return f.stated.MatchString(text) })
}
