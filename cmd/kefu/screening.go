package main

import (
	"fmt"
	"regexp"
	"strings"

	"kefu/internal/answer"
	"kefu/internal/desk"
	"kefu/internal/guard"
	"kefu/internal/mask"
	"kefu/internal/topic"
)

// newMasker is the masker with the operator's own patterns.
func newMasker(patterns string, obs mask.Observer) (*mask.Masker, error) {
	var own []mask.Pattern
	for line := range strings.SplitSeq(patterns, ";") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, expression, _ := strings.Cut(strings.TrimSpace(line), "=")
		if !patternName.MatchString(name) {
			return nil, badPattern(fmt.Sprintf("want NAME=expression with a name of at most 12 capitals and digits, got %q", name), nil)
		}
		re, err := regexp.Compile(expression)
		if err != nil {
			return nil, badPattern("the expression of "+name+" is not one", err)
		}
		if re.MatchString("") {
			return nil, badPattern("the expression of "+name+" matches nothing at all, that is everywhere", nil)
		}
		own = append(own, mask.Pattern{Type: mask.Type(name), Regexp: re})
	}
	return mask.New(own...).Observed(obs), nil
}

var patternName = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,11}$`)

func badPattern(why string, err error) error {
	return &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "mask.patterns", Public: why, Err: err}
}

// newTopics are what private models alone may be asked about; nil: nothing.
func newTopics(setting string) (answer.Topics, error) {
	topics, err := topic.Parse(setting)
	switch {
	case err != nil:
		return nil, &desk.Error{Kind: desk.Invalid, Code: "bad_setting", Field: "knowledge.local_only_topics", Public: "knowledge.local_only_topics: " + err.Error()}
	case topics == nil:
		return nil, nil
	}
	return topics, nil
}

// questionGuard is the guard in the given mode; nil: off.
func questionGuard(mode string) answer.Guard {
	if mode == "off" {
		return nil
	}
	return guard.New()
}
