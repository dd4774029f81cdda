package llmsim

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Bounds on what is read of a prompt, beyond which it is ignored.
const (
	maxTerms     = 64
	maxSentences = 512
)

// sentence is a part of a source that shares terms with the question.
type sentence struct {
	source int
	text   string
	// shared has bit i set when the sentence holds term i of the question,
	// about when only the title of its source does.
	shared, about uint64
}

// compose makes the text of a completion.
func compose(mode Mode, p prompt) string {
	chinese := isChinese(p.question)
	if mode == Refuse {
		return either(chinese, "抱歉，我无法协助处理这个请求。", "I'm sorry, but I can't help with that request.")
	}
	if text, ok := smallTalk(p.question, chinese); ok {
		return text
	}
	if len(p.results) > 0 {
		text := told(p.results, chinese)
		if mode == Obey {
			text += obeyed(p)
		}
		return text
	}
	chosen := choose(p)
	if len(chosen) == 0 {
		return either(chinese, "抱歉，我在提供的资料中没有找到这个问题的答案。", "I'm sorry, I don't know: the sources do not answer this question.")
	}
	var b strings.Builder
	for _, s := range chosen {
		if b.Len() > 0 && !chinese {
			b.WriteByte(' ')
		}
		number := s.source
		if mode == Miscite {
			number = otherSource(p, s.source)
		}
		cite(&b, s.text, number)
	}
	if mode == Fabricate {
		if !chinese {
			b.WriteByte(' ')
		}
		cite(&b, either(chinese, "此外，所有会员均可享受 97 天内免费上门取件服务。",
			"In addition, every member receives free courier pick-up within 97 days."), chosen[0].source)
	}
	return b.String()
}

// cite writes text and the number of its source, on one line.
func cite(b *strings.Builder, text string, number int) {
	b.WriteString(text)
	b.WriteString(" [")
	b.WriteString(strconv.Itoa(number))
	b.WriteByte(']')
}

// otherSource is the number of a source other than n: the next one, or one
// that the prompt does not have when it has only one.
func otherSource(p prompt, n int) int {
	for i, s := range p.sources {
		if s.number == n && len(p.sources) > 1 {
			return p.sources[(i+1)%len(p.sources)].number
		}
	}
	return n + 1
}

// choose picks at most two sentences: the one that shares the most telling
// terms with the question, and one that adds to it.
func choose(p prompt) []sentence {
	asked := questionTerms(p.question)
	var found []sentence
	var frequency [maxTerms]int
	for _, source := range p.sources {
		about := asked.in(source.about)
		for text := range sentences(source.text) {
			s := sentence{source: source.number, text: text, shared: asked.in(text)}
			s.about = about &^ s.shared
			if s.shared|s.about == 0 || len(found) == maxSentences {
				continue
			}
			found = append(found, s)
			for rest := s.shared; rest != 0; rest &= rest - 1 {
				frequency[bits.TrailingZeros64(rest)]++
			}
		}
	}
	best, score := heaviest(found, 0, &frequency)
	if best < 0 {
		return nil
	}
	chosen := []sentence{found[best]}
	if more, added := heaviest(found, found[best].shared|found[best].about, &frequency); added > score/3 {
		chosen = append(chosen, found[more])
	}
	return chosen
}

// heaviest returns the sentence whose terms, those in covered left out, weigh
// the most. A term weighs less the more sentences share it, and half when only
// the title has it.
func heaviest(found []sentence, covered uint64, frequency *[maxTerms]int) (best int, weight float64) {
	best = -1
	for i, s := range found {
		w := float64(bits.OnesCount64(s.about&^covered)) / 2
		for rest := s.shared &^ covered; rest != 0; rest &= rest - 1 {
			w += 1 + 1/float64(frequency[bits.TrailingZeros64(rest)])
		}
		if w > weight {
			best, weight = i, w
		}
	}
	return best, weight
}

// termList holds the distinct terms of a question.
type termList []uint64

func questionTerms(question string) termList {
	list := make(termList, 0, maxTerms)
	for term := range terms(question) {
		if len(list) < maxTerms && !slices.Contains(list, term) {
			list = append(list, term)
		}
	}
	return list
}

// in has bit i set when text holds term i of the list.
func (l termList) in(text string) uint64 {
	var set uint64
	for term := range terms(text) {
		if i := slices.Index(l, term); i >= 0 {
			set |= 1 << i
		}
	}
	return set
}

// smallTalk answers short questions that open with a courtesy.
func smallTalk(question string, chinese bool) (text string, ok bool) {
	if len(question) > 48 {
		return "", false
	}
	q := strings.ToLower(question)
	switch {
	case opensWith(q, "thank", "谢谢", "多谢"):
		return either(chinese, "不客气！还有什么可以帮您？", "You're welcome! Is there anything else I can help with?"), true
	case opensWith(q, "bye", "goodbye", "再见", "拜拜"):
		return either(chinese, "再见，祝您生活愉快！", "Goodbye, and have a nice day!"), true
	case opensWith(q, "hello", "hi ", "hi!", "hi,", "hey", "good morning", "good afternoon", "good evening", "你好", "您好", "早上好") || q == "hi":
		return either(chinese, "您好！请问有什么可以帮您？", "Hello! How can I help you today?"), true
	}
	return "", false
}

func opensWith(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func either(chinese bool, zh, en string) string {
	if chinese {
		return zh
	}
	return en
}
