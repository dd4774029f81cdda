package docx

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// relation is a line of a .rels part.
type relation struct {
	kind, target string
	external     bool
}

// relations reads a .rels part: relations by id.
func (p parts) relations(name string) (map[string]relation, error) {
	all := map[string]relation{}
	var s scanner
	err := p.read(name, &s, func() error {
		return s.root(func(xml.StartElement) error {
			return s.each(func(e xml.StartElement) error {
				all[attribute(e, "Id")] = relation{
					kind: attribute(e, "Type"), target: attribute(e, "Target"), external: attribute(e, "TargetMode") == "External",
				}
				return s.skip(e)
			}, nil)
		})
	})
	return all, err
}

// titleLevel stands for the style of a document's title.
const titleLevel = -1

// style is what a style of paragraphs says of structure.
type style struct {
	level   int // of a heading, titleLevel, or 0
	list    listLevel
	basedOn string
}

// styles reads the styles of paragraphs, by id. Ids are in the language of the
// program that wrote them ("1", "标题1"), names are not.
func (p parts) styles(name string) (map[string]style, error) {
	all := map[string]style{}
	var s scanner
	err := p.read(name, &s, func() error {
		return s.root(func(xml.StartElement) error {
			return s.each(func(e xml.StartElement) error {
				if e.Name.Local != "style" {
					return s.skip(e)
				}
				var one style
				err := s.each(func(property xml.StartElement) error {
					switch property.Name.Local {
					case "name":
						one.level = headingLevel(attribute(property, "val"))
					case "basedOn":
						one.basedOn = attribute(property, "val")
					case "pPr":
						props, err := s.paragraphProperties()
						if props.outline > 0 && one.level == 0 {
							one.level = props.outline
						}
						one.list = props.list
						return err
					}
					return s.skip(property)
				}, nil)
				all[attribute(e, "styleId")] = one
				return err
			}, nil)
		})
	})
	return all, err
}

// headingLevel reads the name of a style: "heading 2" or "Heading2" is 2.
func headingLevel(name string) int {
	name = strings.ToLower(name)
	if name == "title" {
		return titleLevel
	}
	if rest, ok := strings.CutPrefix(name, "heading"); ok {
		if n, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil && n >= 1 && n <= 9 {
			return n
		}
	}
	return 0
}

// resolve is the style with what it takes over from those it is based on.
func resolve(styles map[string]style, id string) style {
	one, known := styles[id]
	if !known {
		return style{level: headingLevel(id)}
	}
	for range 10 { // a chain that leads back to itself ends too
		below, ok := styles[one.basedOn]
		if !ok {
			break
		}
		if one.level == 0 {
			one.level = below.level
		}
		if one.list.id == "" {
			one.list = below.list
		}
		one.basedOn = below.basedOn
	}
	return one
}

// listLevel is the list that a paragraph is an item of. The id is empty, or
// "0", for a paragraph of none.
type listLevel struct {
	id    string
	level int
}

// properties are those of a paragraph that say something of structure.
type properties struct {
	style   string
	outline int // level of a heading; 0: none
	list    listLevel
}

// paragraphProperties reads the open <w:pPr>.
func (s *scanner) paragraphProperties() (properties, error) {
	var p properties
	err := s.each(func(e xml.StartElement) error {
		switch e.Name.Local {
		case "pStyle":
			p.style = attribute(e, "val")
		case "outlineLvl":
			p.outline = number(e, "val", 8) + 1
		case "numPr":
			return s.each(func(e xml.StartElement) error {
				switch e.Name.Local {
				case "numId":
					p.list.id = attribute(e, "val")
				case "ilvl":
					p.list.level = max(0, number(e, "val", 8))
				}
				return s.skip(e)
			}, nil)
		}
		return s.skip(e)
	}, nil)
	return p, err
}

// lists tells which levels of a list are numbered: list id, then level.
type lists map[string]map[int]bool

// lists reads the lists of a document. A list is defined by an abstract one.
func (p parts) lists(name string) (lists, error) {
	abstract, all := lists{}, lists{}
	var s scanner
	err := p.read(name, &s, func() error {
		return s.root(func(xml.StartElement) error {
			return s.each(func(e xml.StartElement) error {
				switch e.Name.Local {
				case "abstractNum":
					levels := map[int]bool{}
					abstract[attribute(e, "abstractNumId")] = levels
					return s.listLevels(levels)
				case "num":
					id := attribute(e, "numId")
					return s.each(func(e xml.StartElement) error {
						if e.Name.Local == "abstractNumId" {
							all[id] = abstract[attribute(e, "val")]
						}
						return s.skip(e)
					}, nil)
				}
				return s.skip(e)
			}, nil)
		})
	})
	return all, err
}

// listLevels reads which levels of the open abstract list are numbered.
func (s *scanner) listLevels(levels map[int]bool) error {
	return s.each(func(e xml.StartElement) error {
		if e.Name.Local != "lvl" {
			return s.skip(e)
		}
		level := number(e, "ilvl", 8)
		return s.each(func(e xml.StartElement) error {
			if e.Name.Local == "numFmt" {
				levels[level] = attribute(e, "val") != "bullet" && attribute(e, "val") != "none"
			}
			return s.skip(e)
		}, nil)
	}, nil)
}
