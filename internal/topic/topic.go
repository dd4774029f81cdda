// Package topic recognises texts about subjects that an operator keeps from
// third parties, such as medical, legal or trade matters, by lists of words.
package topic

import (
	"fmt"
	"regexp"
	"strings"

	"kefu/internal/lang"
)

// List is a list of topics, in the order of their definition. It is never
// changed and safe for concurrent use.
type List struct{ topics []named }

type named struct {
	name    string
	phrases []string // each the terms of one, between blanks
}

var topicName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Parse reads topics as name=words, several words or phrases separated by
// commas and several topics by semicolons:
//
//	medical=diagnosis,prescription,诊断; legal=lawsuit,诉讼
//
// It returns nil for a text without any.
func Parse(text string) (*List, error) {
	l := &List{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '；' || r == '\n' }) {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, words, _ := strings.Cut(part, "=")
		t := named{name: strings.TrimSpace(name)}
		if !topicName.MatchString(t.name) {
			return nil, fmt.Errorf("want name=word,word with a name of at most 32 small letters, digits and underscores, got %q", t.name)
		}
		for word := range strings.FieldsFuncSeq(words, func(r rune) bool { return r == ',' || r == '，' || r == '、' }) {
			if terms := lang.Terms(word); len(terms) > 0 {
				t.phrases = append(t.phrases, between(terms))
			} else if strings.TrimSpace(word) != "" {
				return nil, fmt.Errorf("topic %s: %q is no word", t.name, strings.TrimSpace(word))
			}
		}
		if len(t.phrases) == 0 {
			return nil, fmt.Errorf("topic %s has no words", t.name)
		}
		l.topics = append(l.topics, t)
	}
	if len(l.topics) == 0 {
		return nil, nil
	}
	return l, nil
}

// Of returns the first topic that one of the texts speaks of. English words
// match in all their forms, and whole; Chinese ones wherever they stand. A
// phrase matches its words in a row.
func (l *List) Of(texts ...string) (topic string, ok bool) {
	for _, text := range texts {
		terms := between(lang.Terms(text))
		for _, t := range l.topics {
			for _, phrase := range t.phrases {
				if strings.Contains(terms, phrase) {
					return t.name, true
				}
			}
		}
	}
	return "", false
}

func between(terms []string) string { return " " + strings.Join(terms, " ") + " " }
