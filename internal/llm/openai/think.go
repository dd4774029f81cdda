package openai

import (
	"strings"
	"unicode"
)

// Between these, models that run without a parser of their reasoning, such as
// Qwen's and DeepSeek's behind vLLM or llama.cpp, think before they answer.
const (
	thinkBegin = "<think>"
	thinkEnd   = "</think>"
)

// spoken is what a whole text says beside thoughts. Some templates begin the
// thought in the prompt, so that only its end is seen; in a stream that is too
// late.
func spoken(text string) string {
	if before, after, ended := strings.Cut(text, thinkEnd); ended && !strings.Contains(before, thinkBegin) {
		text = after
	}
	return new(thoughts).passOver(text)
}

// thoughts passes over what stands between the marks, and the space around it,
// at the beginning of a text that comes in pieces.
type thoughts struct {
	held   string // may be a mark, or become one
	inside bool
	over   bool // the answer has begun
}

// passOver returns what the piece says, which is mostly the piece.
func (t *thoughts) passOver(piece string) string {
	if t.over {
		return piece
	}
	t.held += piece
	for !t.over {
		if t.inside {
			_, after, ended := strings.Cut(t.held, thinkEnd)
			if !ended {
				t.held = t.held[max(0, len(t.held)-len(thinkEnd)+1):]
				return ""
			}
			t.held, t.inside = after, false
		}
		t.held = strings.TrimLeftFunc(t.held, unicode.IsSpace)
		if strings.HasPrefix(thinkBegin, t.held) && t.held != thinkBegin {
			return ""
		}
		t.held, t.inside = strings.CutPrefix(t.held, thinkBegin)
		t.over = !t.inside
	}
	return t.held
}
