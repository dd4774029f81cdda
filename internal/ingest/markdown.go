package ingest

import (
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"kefu/internal/desk"
)

// markdownFile extracts a Markdown file: a page, or, where its front matter
// says kind: faq, the question–answer pairs under its headings.
func markdownFile(data []byte) (extract, error) {
	m, data, err := frontMatter(data)
	if err != nil {
		return extract{}, err
	}
	return markdown(m, data), nil
}

func markdown(m meta, source []byte) extract {
	parts := outline(source)
	if m.title == "" {
		m.title = firstTitle(parts)
	}
	x := extract{meta: m}
	if m.kind == desk.FAQ {
		x.sections, x.pairs = faq(parts)
		return x
	}
	x.sections = sections(parts)
	return x
}

func sections(parts []part) []section {
	var all []section
	for i, p := range parts {
		if s, ok := p.section(isLeaf(parts, i)); ok {
			all = append(all, s)
		}
	}
	return all
}

// part is a heading and what stands directly under it. The text before the
// first heading has level 0 and no heading.
type part struct {
	level int
	path  []string // headings from the outermost to its own
	text  string
}

func (p part) title() string {
	if len(p.path) == 0 {
		return ""
	}
	return p.path[len(p.path)-1]
}

// section is the part as text under its headings. A heading without any text
// below is kept as text, so that nothing is lost; other headings live in the
// heading path alone, since a heading quoted as an answer says nothing.
func (p part) section(leaf bool) (section, bool) {
	switch {
	case p.text != "":
		return section{heading: p.path, text: p.text}, true
	case leaf && p.title() != "":
		return section{heading: p.path[:len(p.path)-1], text: p.title()}, true
	default:
		return section{}, false
	}
}

func isLeaf(parts []part, i int) bool {
	return i+1 == len(parts) || parts[i+1].level <= parts[i].level
}

// firstTitle is the first heading of level 1.
func firstTitle(parts []part) string {
	for _, p := range parts {
		if p.level == 1 {
			return p.title()
		}
	}
	return ""
}

// faq reads headings as questions. A question is a heading below level 1 with
// text directly under it; deeper headings belong to its answer. Headings above
// without text are categories.
func faq(parts []part) (rest []section, pairs []pair) {
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if p.level < 2 || p.text == "" {
			if s, ok := p.section(isLeaf(parts, i)); ok {
				rest = append(rest, s)
			}
			continue
		}
		answer := p.text
		for i+1 < len(parts) && parts[i+1].level > p.level {
			i++
			answer = joinNonEmpty("\n\n", answer, joinNonEmpty("\n", parts[i].title(), parts[i].text))
		}
		pairs = append(pairs, pair{question: p.title(), answer: answer, heading: p.path[:len(p.path)-1]})
	}
	return rest, pairs
}

func joinNonEmpty(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// outline parses Markdown and returns its parts in order.
func outline(source []byte) []part {
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	root := parser.Parse(text.NewReader(source))
	render := renderer{source}

	parts := []part{{}}
	var blocks []string
	finish := func() {
		parts[len(parts)-1].text = joinNonEmpty("\n\n", blocks...)
		blocks = nil
	}
	var open []ast.Node // headings above, outermost first
	for node := root.FirstChild(); node != nil; node = node.NextSibling() {
		h, ok := node.(*ast.Heading)
		if !ok {
			blocks = append(blocks, render.block(node, 0))
			continue
		}
		finish()
		for len(open) > 0 && open[len(open)-1].(*ast.Heading).Level >= h.Level {
			open = open[:len(open)-1]
		}
		open = append(open, h)
		var path []string
		for _, above := range open {
			if title := oneLine(render.inline(above)); title != "" {
				path = append(path, title)
			}
		}
		parts = append(parts, part{level: h.Level, path: path})
	}
	finish()
	return parts
}
