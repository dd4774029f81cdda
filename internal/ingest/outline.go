package ingest

import (
	"slices"
	"strings"
)

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

// outliner makes parts of headings and of the blocks of text between them, as
// they come.
type outliner struct {
	parts  []part
	open   []part // headings above, outermost first
	blocks []string
}

// heading begins a part below those headings that are of a lesser level. An
// empty title is left out of the path.
func (o *outliner) heading(level int, title string) {
	o.close()
	for len(o.open) > 0 && o.open[len(o.open)-1].level >= level {
		o.open = o.open[:len(o.open)-1]
	}
	var path []string
	if len(o.open) > 0 {
		path = slices.Clone(o.open[len(o.open)-1].path)
	}
	if title != "" {
		path = append(path, title)
	}
	o.open = append(o.open, part{level: level, path: path})
	o.parts = append(o.parts, part{level: level, path: path})
}

func (o *outliner) text(block string) { o.blocks = append(o.blocks, block) }

func (o *outliner) close() {
	if len(o.parts) == 0 {
		o.parts = []part{{}} // what stands before the first heading
	}
	o.parts[len(o.parts)-1].text = joinNonEmpty("\n\n", o.blocks...)
	o.blocks = nil
}

func (o *outliner) finish() []part {
	o.close()
	return o.parts
}

func joinNonEmpty(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}
