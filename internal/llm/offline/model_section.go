package offline

import "slices"

const (
	// overviewWidth is up to which width a text above sections is taken for an
	// overview of them, whatever it says.
	overviewWidth = 100
	// sections is how many of them follow it at most.
	sections = 3
)

// withSections is quotes and, where they are but an overview of the sections
// below, the beginnings of these: how to do it stands there.
func (c *corpus) withSections(quotes []candidate) []candidate {
	s := quotes[0].source
	if !c.overview(s) || slices.ContainsFunc(quotes, func(k candidate) bool { return len(c.facts) > 0 && c.states(k.unit()) }) {
		return quotes
	}
	left := listWidth
	for _, k := range quotes {
		left -= columns(k.unit().text)
	}
	last := s
	for _, below := range c.below(s) {
		section := beginning(below)
		for _, k := range section {
			left -= columns(k.unit().text)
		}
		if left < 0 {
			break
		}
		quotes, last = append(quotes, section...), below
	}
	if slices.ContainsFunc(c.sources, func(o source) bool { return s.chunk.Opens(o.chunk) && o.chunk.Ordinal > last.chunk.Ordinal }) {
		quotes[len(quotes)-1].cut = true
	}
	return quotes
}

// beginning is the first paragraph or list of s, with the list that follows a
// paragraph.
func beginning(s *source) []candidate {
	first := block(s, 0)
	if next := len(first); first[0].unit().kind == prose && next < len(s.units) && s.units[next].kind != prose {
		return slices.Concat(first, bounded(block(s, next)))
	}
	return first
}

// overview tells whether s is a text above sections that leaves to them what
// is asked.
func (c *corpus) overview(s *source) bool {
	width := 0
	for _, u := range s.units {
		if u.kind >= step {
			return false
		}
		width += columns(u.text)
	}
	return width <= overviewWidth || c.steps || c.several || announces(s.units[len(s.units)-1].bare)
}

// below returns the sections that s opens, one after the other, as far as they
// are among the sources.
func (c *corpus) below(s *source) []*source {
	var list []*source
	for next := s.chunk.Ordinal + 1; len(list) < sections; next++ {
		i := slices.IndexFunc(c.sources, func(o source) bool { return o.chunk.Ordinal == next && s.chunk.Opens(o.chunk) })
		if i < 0 {
			break
		}
		list = append(list, &c.sources[i])
	}
	return list
}
