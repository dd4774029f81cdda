package answer

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/retrieval"
)

const (
	// pagesShown bounds the pages that are named where there is no answer.
	pagesShown = 3
	// mayHelp is the share of Config.Abstain from which on passages may help all
	// the same: the customer, who is shown their pages, or a language model. Of
	// the questions of the sample's customers that lie below Config.Abstain, six
	// in ten of those that have an answer there lie above it, and one or two in
	// ten of those that have none.
	mayHelp = 0.2
	// bearing is the share of the question's content that a page's passage holds
	// where abstaining is off: a model's embeddings always find something.
	bearing = 1.0 / 3
	// excerptLength is how many characters of a page are shown: what is read at
	// a glance.
	excerptLength = 200
)

// pages are those of the passages found that may help where none of them gave
// an answer, in the language of the best. What the guard suspects is named
// nowhere.
func (s *Service) pages(q desk.Question, found []desk.Passage, tr *desk.Trace) []desk.HelpPage {
	if tr.Answerable < mayHelp*s.cfg.Abstain {
		return nil
	}
	var pages []desk.HelpPage
	for _, p := range found {
		page := desk.HelpPage{Document: p.Document, Title: p.Title, URL: p.URL}
		if p.Question != "" {
			page.Title = p.Question
		}
		known := slices.ContainsFunc(pages, func(o desk.HelpPage) bool {
			return o.Title == page.Title || o.URL != "" && o.URL == page.URL
		})
		switch {
		case len(pages) == pagesShown, p.Score < relevant*found[0].Score:
			return pages
		case s.cfg.Abstain == 0 && p.Coverage < bearing: // no judge has seen it
		case !flagged(p) && p.Lang == found[0].Lang && page.Title != "" && !known:
			page.Excerpt = excerpt(string(q.Text), p)
			pages = append(pages, page)
		}
	}
	return pages
}

// excerpt is the sentences with which what bears on the question begins, as
// many as are read at a glance.
func excerpt(question string, p desk.Passage) string {
	text := cmp.Or(retrieval.Excerpt(question, p), p.Text)
	if utf8.RuneCountInString(text) <= excerptLength {
		return text
	}
	short := string([]rune(text)[:excerptLength])
	whole := 0
	for _, s := range lang.Sentences(text) {
		if s.End > len(short) {
			break
		}
		whole = s.End
	}
	return strings.TrimRight(short[:cmp.Or(whole, len(short))], " \n…") + " …"
}
