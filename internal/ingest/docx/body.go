package docx

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// body reads the main part into blocks.
type body struct {
	scanner
	styles map[string]style
	lists  lists
	links  map[string]relation

	doc    Document
	items  []string           // of the list that is open
	counts map[string]*[9]int // numbers given so far: list id, then level
	size   int                // bytes of text so far
}

// paragraph is the text of one and what it is.
type paragraph struct {
	properties
	text string
}

// sink takes what a container holds.
type sink struct {
	paragraph func(paragraph)
	table     func([][]string)
}

func (b *body) document() error {
	b.counts = map[string]*[9]int{}
	err := b.root(func(xml.StartElement) error {
		return b.container(sink{b.add, func(rows [][]string) {
			b.closeList()
			b.doc.Blocks = append(b.doc.Blocks, Block{Rows: rows})
		}})
	})
	b.closeList()
	return err
}

// container reads the paragraphs and tables of the open element.
func (b *body) container(to sink) error {
	return b.each(func(e xml.StartElement) error { return b.block(e, to) }, nil)
}

// block reads one element of a container, also through those that merely wrap
// some: content controls, insertions.
func (b *body) block(e xml.StartElement, to sink) error {
	switch e.Name.Local {
	case "p":
		return b.paragraph(to.paragraph)
	case "tbl":
		var rows [][]string
		err := b.rows(&rows)
		if err == nil && len(rows) > 0 {
			to.table(rows)
		}
		return err
	case "del", "moveFrom", "Fallback", "sectPr", "sdtPr": // what was deleted, or is there twice
		return b.skip(e)
	default:
		return b.container(to)
	}
}

// paragraph reads the open <w:p>. The paragraphs of text boxes in it follow it.
func (b *body) paragraph(add func(paragraph)) error {
	var p paragraph
	var text strings.Builder
	var boxes []paragraph
	err := b.inline(&text, &p.properties, func(box paragraph) { boxes = append(boxes, box) })
	p.text = tidy(text.String())
	add(p)
	for _, box := range boxes {
		add(box)
	}
	return err
}

// inline reads the text of the open element.
func (b *body) inline(text *strings.Builder, props *properties, box func(paragraph)) error {
	return b.each(func(e xml.StartElement) error { return b.span(e, text, props, box) }, nil)
}

// span reads one element inside a paragraph.
func (b *body) span(e xml.StartElement, text *strings.Builder, props *properties, box func(paragraph)) error {
	switch e.Name.Local {
	case "pPr":
		read, err := b.paragraphProperties()
		*props = read
		return err
	case "r":
		return b.run(text, props, box)
	case "p":
		return b.paragraph(box)
	case "t":
		return b.each(b.skip, func(data []byte) error { return b.write(text, string(data)) })
	case "hyperlink":
		return b.hyperlink(e, text, props, box)
	case "tab", "ptab":
		text.WriteByte('\t')
	case "br", "cr":
		text.WriteByte('\n')
	case "noBreakHyphen":
		text.WriteByte('-')
	case "del", "moveFrom", "Fallback":
	default:
		return b.inline(text, props, box)
	}
	return b.skip(e)
}

// run reads the open <w:r>, whose text may be hidden.
func (b *body) run(text *strings.Builder, props *properties, box func(paragraph)) error {
	var own strings.Builder
	hidden := false
	err := b.each(func(e xml.StartElement) error {
		if e.Name.Local != "rPr" {
			return b.span(e, &own, props, box)
		}
		return b.each(func(e xml.StartElement) error {
			if e.Name.Local == "vanish" {
				hidden = !isOff(e)
			}
			return b.skip(e)
		}, nil)
	}, nil)
	if !hidden {
		text.WriteString(own.String())
	}
	return err
}

// hyperlink reads the open <w:hyperlink>, with its address when that leads out
// of the document and is not its text already.
func (b *body) hyperlink(e xml.StartElement, text *strings.Builder, props *properties, box func(paragraph)) error {
	var label strings.Builder
	if err := b.inline(&label, props, box); err != nil {
		return err
	}
	text.WriteString(label.String())
	link := b.links[attribute(e, "id")]
	target := strings.TrimPrefix(link.target, "mailto:")
	shown := strings.HasPrefix(target, "https://") || strings.HasPrefix(target, "http://") || target != link.target
	if link.external && shown && label.Len() > 0 && !strings.Contains(label.String(), target) {
		return b.write(text, " ("+target+")")
	}
	return nil
}

func (b *body) write(text *strings.Builder, s string) error {
	if b.size += len(s); b.size > maxText {
		return fmt.Errorf("%w: more than %d MB of text", ErrBomb, maxText>>20)
	}
	text.WriteString(s)
	return nil
}

// tidy squeezes white space within lines and drops empty lines.
func tidy(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// add makes a block of a paragraph, or an item of the open list.
func (b *body) add(p paragraph) {
	if p.text == "" {
		return
	}
	s := resolve(b.styles, p.style)
	level := s.level
	if p.outline > 0 {
		level = p.outline
	}
	list := p.list
	if list.id == "" {
		list = s.list
	}
	switch {
	case level == titleLevel && b.doc.Title == "":
		b.doc.Title = strings.ReplaceAll(p.text, "\n", " ")
	case level > 0:
		b.closeList()
		b.doc.Blocks = append(b.doc.Blocks, Block{Level: level, Text: strings.ReplaceAll(p.text, "\n", " ")})
	case list.id != "" && list.id != "0":
		mark := b.mark(list)
		b.items = append(b.items, mark+strings.ReplaceAll(p.text, "\n", "\n"+strings.Repeat(" ", len(mark))))
	default:
		b.closeList()
		b.doc.Blocks = append(b.doc.Blocks, Block{Text: p.text})
	}
}

// mark is what stands before the next item of a list.
func (b *body) mark(list listLevel) string {
	indent := strings.Repeat("   ", list.level)
	if !b.lists[list.id][list.level] {
		return indent + "- "
	}
	if b.counts[list.id] == nil {
		b.counts[list.id] = new([9]int)
	}
	counts := b.counts[list.id]
	counts[list.level]++
	clear(counts[list.level+1:])
	return fmt.Sprintf("%s%d. ", indent, counts[list.level])
}

func (b *body) closeList() {
	if len(b.items) > 0 {
		b.doc.Blocks = append(b.doc.Blocks, Block{Text: strings.Join(b.items, "\n")})
		b.items = nil
	}
}
