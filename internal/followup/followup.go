// Package followup makes a question that leans on what was said before stand
// alone: "and in Canada?", "那运费呢？", "how much does it cost?". It works by
// rules on the words, in English and Chinese. Where the rules know no better,
// the earlier question stands in front of the later one: search then finds what
// both are about.
package followup

import (
	"strings"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

const (
	// longest is the length of a question, in characters, from which it is taken
	// to say what it is about.
	longest = 120
	// longestPrevious is the length of an earlier question, in bytes, up to which
	// it is taken apart.
	longestPrevious = 400
)

// Leans tells whether a question cannot be understood without what was said
// before it.
func Leans(question string) bool {
	plain := lang.Normalise(question)
	if plain == "" || utf8.RuneCountInString(plain) > longest {
		return false
	}
	if lang.Of(question) == desk.Chinese {
		return readChinese(plain).leans()
	}
	return readEnglish(question).leans()
}

// StandAlone returns the question as it would be asked by somebody who has not
// asked before, previous being the question before it, which stands alone. A
// question that does not lean is returned as it is, and so is any without one
// before.
func StandAlone(question, previous string) string {
	question, previous = strings.TrimSpace(question), strings.TrimSpace(previous)
	if previous == "" || !Leans(question) {
		return question
	}
	chinese := lang.Of(question) == desk.Chinese
	if len(previous) > longestPrevious || chinese != (lang.Of(previous) == desk.Chinese) {
		return beside(previous, question)
	}
	var text string
	var ok bool
	if chinese {
		text, ok = chineseAlone(question, previous)
	} else {
		text, ok = englishAlone(question, previous)
	}
	if !ok {
		return beside(previous, question)
	}
	return text
}

// beside puts the later question behind the earlier one.
func beside(previous, question string) string {
	if lang.Of(previous) == desk.Chinese && lang.Of(question) == desk.Chinese {
		return strings.TrimRight(previous, "？?。.！! ") + "，" + question
	}
	return previous + " " + question
}
