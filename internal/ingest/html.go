package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlFile extracts the main content of an HTML page by way of Markdown.
func htmlFile(data []byte) (extract, error) {
	m, data, err := frontMatter(data)
	if err != nil {
		return extract{}, err
	}
	if err := checkHTML(data); err != nil {
		return extract{}, err
	}
	doc, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		return extract{}, reject(CodeMalformed, 0, "the HTML cannot be parsed")
	}
	main := mainContent(doc)
	declared := pageMeta(doc, main)
	prune(main)
	md, err := newConverter().ConvertNode(main)
	if err != nil {
		return extract{}, fmt.Errorf("convert to markdown: %w", err)
	}
	m.title = or(m.title, declared.title)
	m.url = or(m.url, declared.url)
	m.lang = or(m.lang, declared.lang)
	return markdown(m, md)
}

func newConverter() *converter.Converter {
	return converter.NewConverter(converter.WithPlugins(
		base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(),
		table.NewTablePlugin(
			table.WithHeaderPromotion(true),
			table.WithSpanCellBehavior(table.SpanBehaviorMirror),
		),
	))
}

// mainContent is the part of the page that is not its frame: <main>, else the
// only <article>, else <body>.
func mainContent(doc *html.Node) *html.Node {
	var mains, articles []*html.Node
	body := doc
	for n := range doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.DataAtom == atom.Main || attribute(n, "role") == "main":
			mains = append(mains, n)
		case n.DataAtom == atom.Article:
			articles = append(articles, n)
		case n.DataAtom == atom.Body && body == doc:
			body = n
		}
	}
	switch {
	case len(mains) > 0:
		return mains[0]
	case len(articles) == 1:
		return articles[0]
	default:
		return body
	}
}

// pageMeta reads what the page says about itself. The title is the first <h1>
// of the content where <title> merely adds the site's name to it.
func pageMeta(doc, main *html.Node) meta {
	var m meta
	for n := range doc.Descendants() {
		switch n.DataAtom {
		case atom.Title:
			if m.title == "" {
				m.title = oneLine(textOf(n))
			}
		case atom.Html:
			m.lang = declaredLang(attribute(n, "lang"))
		case atom.Link:
			if m.url == "" && attribute(n, "rel") == "canonical" {
				m.url = publicURL(attribute(n, "href"))
			}
		}
	}
	for n := range main.Descendants() {
		if n.DataAtom == atom.H1 {
			if h1 := oneLine(textOf(n)); m.title == "" || h1 != "" && strings.Contains(m.title, h1) {
				m.title = h1
			}
			break
		}
	}
	return m
}

// frame lists the elements that are never content.
func frame(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Iframe, atom.Object, atom.Svg, atom.Canvas,
		atom.Nav, atom.Footer, atom.Aside, atom.Form, atom.Button, atom.Dialog, atom.Head:
		return true
	case atom.Header:
		return !slices.ContainsFunc(slices.Collect(n.Descendants()), func(d *html.Node) bool { return d.DataAtom == atom.H1 })
	}
	hidden := slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "hidden" })
	return hidden || attribute(n, "aria-hidden") == "true" ||
		slices.Contains([]string{"navigation", "banner", "contentinfo", "search", "complementary"}, attribute(n, "role"))
}

// prune removes the frame and the comments below n, and the spans of table
// cells that are too wide to be repeated cell by cell.
func prune(n *html.Node) {
	n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool {
		return (a.Key == "colspan" || a.Key == "rowspan") && isWideSpan(a.Val, textOf(n))
	})
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.CommentNode || c.Type == html.ElementNode && frame(c) {
			n.RemoveChild(c)
		} else {
			prune(c)
		}
		c = next
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// htmlText is the text of HTML that stands inside Markdown: a line for each
// block, cells separated as in a table.
func htmlText(raw []byte) string {
	var b strings.Builder
	hidden := 0 // open elements whose text is not content
	for z := html.NewTokenizer(bytes.NewReader(raw)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		switch {
		case token.DataAtom == atom.Script || token.DataAtom == atom.Style:
			if kind == html.StartTagToken {
				hidden++
			} else if kind == html.EndTagToken {
				hidden = max(0, hidden-1)
			}
		case kind == html.TextToken && hidden == 0:
			b.WriteString(strings.ReplaceAll(token.Data, "\n", " "))
		case kind == html.EndTagToken && (token.DataAtom == atom.Td || token.DataAtom == atom.Th):
			b.WriteString(" | ")
		case isLineBreaking(token.DataAtom):
			b.WriteByte('\n')
		}
	}
	var lines []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		lines = append(lines, strings.TrimSuffix(oneLine(line), " |"))
	}
	return joinNonEmpty("\n", lines...)
}

func isLineBreaking(a atom.Atom) bool {
	switch a {
	case atom.Br, atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Table, atom.Summary, atom.Details,
		atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Pre, atom.Section:
		return true
	default:
		return false
	}
}
