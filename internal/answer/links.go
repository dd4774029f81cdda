package answer

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// link matches what programs make a link of, or a person might follow, and what
// would run where somebody makes a page of an answer.
var link = regexp.MustCompile(`(?i)(?:https?://|www\.|javascript:)[^\s<>"')\]，。；、]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>"')\]，。；、]*`)

// links tells whether a text holds any.
func links(text string) bool {
	if !strings.Contains(text, "/") {
		small := strings.ToLower(text)
		if !strings.Contains(small, "www.") && !strings.Contains(small, "javascript:") {
			return false
		}
	}
	return link.MatchString(text)
}

// withoutLinks leaves out the sentences with links that neither the knowledge
// base nor the configuration knows: what a tool returns may have been written
// by anybody.
func (s *Service) withoutLinks(text string, known []desk.Passage) string {
	if !links(text) {
		return text
	}
	known = s.trusted(known)
	var kept strings.Builder
	end := 0
	for _, span := range lang.Sentences(text) {
		sentence := text[end:span.End] // with the space before it
		end = span.End
		if !slices.ContainsFunc(link.FindAllString(sentence, -1), func(l string) bool { return !s.mayLink(l, known) }) {
			kept.WriteString(sentence)
		}
	}
	return kept.String()
}

func (s *Service) mayLink(address string, known []desk.Passage) bool {
	address = strings.TrimRight(address, ".,;:!?")
	if slices.ContainsFunc(known, func(p desk.Passage) bool { return p.URL == address || strings.Contains(p.Text, address) }) {
		return true
	}
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	return err == nil && u.User == nil && slices.Contains(s.cfg.Links, strings.ToLower(u.Hostname()))
}

// trusted are the passages that do not speak to the model: what the others link
// to was planted.
func (s *Service) trusted(known []desk.Passage) []desk.Passage {
	if s.Guard == nil {
		return known
	}
	return slices.DeleteFunc(slices.Clone(known), func(p desk.Passage) bool {
		return flagged(p) || s.Guard.Document(p.Text).Action != desk.Allow // also by what the guard knows only now
	})
}

// foreign leaves out the links of a text that no source has.
func (o output) foreign(text string) string {
	if !links(text) {
		return text
	}
	known := o.trusted(o.sources)
	return link.ReplaceAllStringFunc(text, func(l string) string {
		if o.mayLink(l, known) {
			return l
		}
		return ""
	})
}
