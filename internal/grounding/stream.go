package grounding

import (
	"fmt"
	"regexp"
	"strings"

	"kefu/internal/desk"
)

// SetRight gives each citation in text the number of the source that supports
// its sentence, as Verify does, where an answer is shown while it is made: what
// was said of the sentence before text cannot be changed any more. Of several
// citations behind a sentence the first stays, and none where nothing is stated.
// The number of a sentence that nothing supports stays as well, and that behind
// "Sources:", for those were shown too.
func SetRight(said, text string, sources []desk.Passage) string {
	right, end := "", 0
	for _, at := range marker.FindAllStringIndex(text, -1) {
		stated := strings.TrimRight(text[end:at[0]], " \t")
		blank := text[end+len(stated) : at[0]]
		right += stated
		end = at[1]
		if endsCited.MatchString(said + right) {
			continue
		}
		cited := blank + text[at[0]:at[1]]
		grounds := Verify(said+right+cited, sources).Grounds
		switch g := grounds[len(grounds)-1]; {
		case !g.Supported, label.MatchString(said + right):
			right += cited
		case g.Source > 0:
			right += blank + fmt.Sprintf("[%d]", g.Source)
		}
	}
	return right + text[end:]
}

// endsCited is the end of a text with a citation.
var endsCited = regexp.MustCompile(`\[\d{1,3}\]\s*$`)
