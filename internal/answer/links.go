package answer

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// link matches what a program would show as a link or a person might follow, and
// what would run as a script on a web page that shows an answer.
var link = regexp.MustCompile(`(?i)(?:https?://|www\.|javascript:)[^\s<>"')\]，。；、]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>"')\]，。；、]*`)

// links tells whether a text holds a link.
func links(text string) bool {
	if !strings.Contains(text, "/") {
		small := strings.ToLower(text)
		if !strings.Contains(small, "www.") && !strings.Contains(small, "javascript:") {
			return false
		}
	}
	return link.MatchString(text)
}

// withoutLinks leaves out the sentences with links that stand neither in the
// known passages nor, by their host, in the configuration: anybody may have
// written what a tool returns.
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

// mayLink tells whether an answer may hold a link to address.
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

// trusted are the passages whose links may be given: not those that the guard
// suspects of speaking to the model, whose links may be planted.
func (s *Service) trusted(known []desk.Passage) []desk.Passage {
	if s.Guard == nil {
		return known
	}
	return slices.DeleteFunc(slices.Clone(known), func(p desk.Passage) bool {
		return flagged(p) || s.Guard.Document(p.Text).Action != desk.Allow // also by rules that are newer than the document
	})
}

// foreign leaves out the links of a text that no source has. While an answer is
// streamed, its sentences cannot be left out whole, as withoutLinks does.
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
