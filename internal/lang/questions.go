package lang

import (
	"regexp"
	"strings"
)

// maxQuestions bounds what one text is cut into.
const maxQuestions = 4

// Questions cuts a text into what it asks ("How do I return it", "who pays for
// the label"), at most four, and the rest, which only tells about the asker's
// case. A text of one piece is its only question.
func Questions(text string) (asked []string, told string) {
	start := 0
	for _, at := range append(questionBorder.FindAllStringIndex(text, -1), []int{len(text)}) {
		clause := text[start:at[0]]
		start = at[0]
		switch {
		case len(asked) == maxQuestions || !Asks(clause):
			told += clause
		case len(asked) == 0 && told != "" && (len(ContentTerms(clause)) == 0 || onlyHelp.MatchString(bare(clause))): // "…, what should I do?"
			asked, told = append(asked, bare(told+clause)), ""
		default:
			asked = append(asked, bare(clause))
		}
	}
	if len(asked) == 0 {
		return []string{text}, ""
	}
	return asked, told
}

// HowChinese is a pattern of what asks in Chinese what to do and names nothing
// itself: 怎么办, 如何处理.
const HowChinese = `(?:怎么|如何|怎样|咋)(?:处理|解决|排查|修复|修|操作|办理|办)`

// onlyHelp matches what asks for help with what was told before, and names
// nothing itself. To get something back (恢复) names what is wanted, unless it
// is all that is asked.
var onlyHelp = regexp.MustCompile(`(?i)^(?:(?:so|and|please|now) )*how (?:do|can|could|should) (?:i|we) (?:fix|solve|repair|handle|troubleshoot|resolve)(?: (?:it|this|that))?\W*$|` +
	`^(?:请问|那|我|该|应该|要)*(?:` + HowChinese + `|(?:怎么|如何|怎样|咋)恢复)(?:呢|啊|才好)?[？?。!！]*$`)

// Asks tells a question, or a request to be told something, from a statement.
func Asks(clause string) bool {
	return asking.MatchString(bare(Normalise(clause)))
}

// bare is a clause without the punctuation that divides it from the one before.
func bare(clause string) string { return strings.TrimLeft(clause, ",;:.?，；。？ ") }

var (
	// questionBorder stands before the second and further questions of a text.
	questionBorder = regexp.MustCompile(`(?i)(?:,? and (?:also )?|[?;,:.] +(?:and )?)(?:who|what|when|where|why|how|which|can|do|does|is|are|will)\b|[，？；。].|以及|还有|另外`)
	asking         = regexp.MustCompile(`^(?:(?:and|so|but|hi|hello|please|excuse me|ok)[ ,]+)*(?:what|which|who|whose|whom|where|when|why|how|can|could|may|do|does|did|is|are|was|were|will|would|should|shall|have|has|am|tell|show|give|explain|compare)\b|` +
		`\?|？|吗|呢|什么|怎|如何|哪|谁|多少|几|多久|多长|是否|能否|可否|可不可以|能不能|是不是|有没有|为何|说明|介绍|告诉|(?:^|请|帮我)(?:比较|对比)`)
)
