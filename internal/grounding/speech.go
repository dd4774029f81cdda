package grounding

import (
	"regexp"
	"strings"

	"kefu/internal/desk"
)

// Content terms up to which a sentence that offers help or is sorry says no
// more than that.
const (
	courtesyEnglish = 6
	courtesyChinese = 14
)

// statesNothing reports a sentence that models say beside their claims: an offer
// to help, or that the sources do not tell.
func (c claim) statesNothing() bool {
	text := strings.ToLower(strings.TrimSpace(strings.ReplaceAll(c.text, "’", "'")))
	if unknown.MatchString(text) {
		return !goesOn.MatchString(apology.ReplaceAllString(text, ""))
	}
	most := courtesyEnglish
	if c.lang == desk.Chinese {
		most = courtesyChinese
	}
	return len(c.numbers) == 0 && len(c.terms) <= most && (offer.MatchString(text) || courtesy.MatchString(text) && !goesOn.MatchString(text))
}

var (
	// offer is one that begins with a condition.
	offer = regexp.MustCompile(`^(?:if|should) you (?:still |ever )?(?:have|need|want|would like|run into)\b[^,]*, ` +
		`(?:please |just |you can |you're welcome to |feel free to |(?:don't|do not) hesitate to )*` +
		`(?:ask|let (?:me|us) know|reach out|get in touch|contact (?:us|support|customer (?:service|support)))(?: to us| with us| anytime| any time| at any time| again| here| directly)*[.!]*$|` +
		`^(?:如果|如|若)(?:您|你)?(?:还|仍)?(?:有|需要|遇到)[^，,]*[，,](?:请|欢迎|可以?|都?可|随时|您|你|再|继续|在线)*(?:联系|告诉|咨询|询问|提问|问)(?:我们|我|客服|人工客服)*[。！!~～]*$`)

	courtesy = regexp.MustCompile(`^(?:please )?let (?:me|us) know (?:if|whether|what|how|which|should)\b|` +
		`^(?:please )?(?:feel free|(?:don't|do not) hesitate) to (?:ask|reach out|get in touch|contact us|let (?:me|us) know)\b|` +
		`^(?:i )?hope (?:this|that|it) helps\b|^(?:i am|i'm|we are|we're) (?:always )?(?:here|happy|glad) to help\b|` +
		`^(?:i am|i'm|we are|we're) (?:so |very |really |truly )?sorry (?:to hear|for (?:the|any|this|your)|about (?:the|that|this|your))\b|` +
		`^(?:i|we) apologi[sz]e for (?:the|any|this|your)\b|^thank(?:s| you)(?: so much| very much)? for\b|` +
		`^(?:is there anything else|anything else|can i help|what else|would you like (?:help|more|further|to know|me to explain))\b.*\?$|` +
		`^希望.*(?:帮助|有用|有所帮助)(?:到您|到你)?[。！!~～]*$|^(?:非常|很|十分)?(?:抱歉|对不起|不好意思)(?:给|让|为)(?:您|你).*(?:不便|困扰|麻烦|久等|不愉快)[^，,]*$|` +
		`^(?:非常)?感谢(?:您|你)的|^祝(?:您|你)|^(?:请问)?(?:您|你)?还有(?:什么|其他|其它|别的).*[吗？?]$`)

	// unknown says that the sources do not tell.
	unknown = regexp.MustCompile(apologies + `(?:the |our |these |your )?(?:provided |available |given |numbered )?` + told + `(?: provided| available| here| i have)? (?:do|does)(?:n't| not) ` +
		`(?:\w+ )?(?:say|mention|specify|state|cover|include|contain|tell|provide|give|address|describe|explain|list)\b|` +
		apologies + `i (?:could not|couldn't|cannot|can't|do not|don't) (?:find|see|have) (?:any )?(?:information|details|anything|mention)\b|` +
		`\b(?:is|are)(?: not|n't) (?:\w+ )?(?:mentioned|specified|stated|covered|described|given|explained|listed) (?:in|by) (?:the|our|these) (?:\w+ )?` + told + `\W*$|` +
		apologies + `(?:目前|现有|所给|提供|以上|这些|上述|已有|的)*(?:资料|来源|帮助中心|文档|文章|信息|内容)(?:中|里面?|内)?(?:都|也|并|暂|还)?(?:没有|没|未)(?:有)?(?:明确)?(?:提到|提及|说明|说|写明?|给出|包含|涉及|找到|介绍|列出)`)

	apology = regexp.MustCompile(apologies)
	// goesOn is where a sentence says something else besides.
	goesOn = regexp.MustCompile(`[,;，；]|\b(?:but|however|although|though)\b|但|不过|然而`)
)

const (
	apologies = `^(?:(?:unfortunately|sorry|i'm sorry|i am sorry|however),? (?:but )?|(?:但|不过)?(?:很|非常)?(?:抱歉|遗憾|可惜)，?|但|不过)?`
	told      = `(?:sources?|documents?|information|passages?|help cent(?:er|re)|articles?|pages?|context)`
)

// labels tells whether the sentence is no more than what stands before a list of
// sources.
func (c claim) labels() bool { return len(c.text) <= longestLabel && label.MatchString(c.text) }

// longestLabel is more bytes than any label has.
const longestLabel = 40

// label stands before a list of sources, which the citations are anyway.
var label = regexp.MustCompile(`(?i)(?:^|\n)[\s*]*(?:sources?|references?|citations?|来源|资料来源|参考资料|参考|出处)[\s*]*[:：]?[\s*]*$`)
