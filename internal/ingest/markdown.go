package ingest

import (
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"kefu/internal/desk"
)

// markdownFile extracts a Markdown file: a page, or, where its front matter
// says kind: faq, the question–answer pairs under its headings.
func markdownFile(data []byte) (extract, error) {
	m, data, err := frontMatter(data)
	if err != nil {
		return extract{}, err
	}
	return markdown(m, data)
}

func markdown(m meta, source []byte) (extract, error) {
	source, err := checkMarkdown(source)
	if err != nil {
		return extract{}, err
	}
	parts := outline(source)
	if m.title == "" {
		m.title = firstTitle(parts)
	}
	x := extract{meta: m}
	if m.kind == desk.FAQ {
		x.sections, x.pairs = faq(parts)
		return x, nil
	}
	x.sections = sections(parts)
	return x, nil
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

// outline parses Markdown and returns its parts in order.
func outline(source []byte) []part {
	markup := goldmark.New(goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithInlineParsers(util.Prioritized(new(markCounter), 0)))).Parser()
	root := markup.Parse(text.NewReader(source))
	render := renderer{source}

	var o outliner
	for node := root.FirstChild(); node != nil; node = node.NextSibling() {
		if h, ok := node.(*ast.Heading); ok {
			o.heading(h.Level, oneLine(render.inline(h)))
		} else {
			o.text(render.block(node, 0))
		}
	}
	return o.finish()
}
