package answer

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/mask"
)

// screen turns what a caller sent into a question: checked, masked, and with its
// language. The vault restores the masked personal data.
func (s *Service) screen(ask desk.Ask) (desk.Question, mask.Vault, error) {
	if err := s.sound(ask.Text); err != nil {
		return desk.Question{}, mask.Vault{}, err
	}
	text, vault := s.Masker.Mask(strings.TrimSpace(ask.Text))
	return desk.Question{
		Scope: ask.Scope, Text: text, Lang: lang.Of(string(text)),
		Conversation: ask.Conversation, Model: ask.Model, Provider: ask.Provider, Route: ask.Route,
		// The cache key leaves out unseen characters, so that with them the question must
		// not be answered by, or for, others.
		Alone: !vault.Empty() || strings.ContainsFunc(string(text), unseen), Asked: time.Now(), Stream: ask.Stream,
		Confirmation: ask.Confirmation, Batch: ask.Batch,
	}, vault, nil
}

// sound tells why a text cannot be a question, nil if it can.
func (s *Service) sound(text string) error {
	refuse := func(code, why string) error {
		return &desk.Error{Kind: desk.Invalid, Code: code, Field: "question", Public: why}
	}
	switch {
	case !utf8.ValidString(text):
		return refuse("question_not_utf8", "The question is not valid UTF-8.")
	case strings.ContainsFunc(text, forbidden):
		return refuse("question_control_characters", "The question contains control characters.")
	case !strings.ContainsFunc(text, seen):
		return refuse("question_empty", "The question is empty.")
	}
	if n := utf8.RuneCountInString(text); n > s.cfg.MaxQuestion {
		return refuse("question_too_long", fmt.Sprintf("The question has %d characters; at most %d are allowed.", n, s.cfg.MaxQuestion))
	}
	return nil
}

// seen tells whether a character would leave ink on paper.
func seen(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// unseen tells whether r is a tag character: those spell text that people do not
// see.
func unseen(r rune) bool { return 0xE0000 <= r && r <= 0xE007F }

// forbidden tells whether r is a control character other than a tab or the end of a
// line.
func forbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}
