package offline

import "slices"

// list is the best list, when the question asks for a way to do something.
func (c *corpus) list(ranked []candidate) []candidate {
	if !c.steps || c.pinpoints(ranked[0]) {
		return nil
	}
	var best []candidate
	most := listFits * ranked[0].score
	s := ranked[0].source
	_, above := c.held(s, nil)
	for first := 0; first < len(s.units); {
		list := block(s, first)
		first += len(list)
		kind := list[len(list)-1].unit().kind
		if len(list) < 2 || kind != step && kind != bullet || mostlyAsks(list) {
			continue
		}
		own, _ := c.held(s, termsOf(list))
		score := own + above
		if kind == bullet {
			score *= 0.8
		}
		if score > most {
			best, most = list, score
		}
	}
	return within(best, listItems, listWidth)
}

// pinpoints tells whether k is the one item of its list, or row of its table,
// that the question is about.
func (c *corpus) pinpoints(k candidate) bool {
	if kind := k.unit().kind; kind != bullet && kind != row {
		return false
	}
	own, _ := c.held(k.source, k.unit().terms)
	if own < 0.6*c.total {
		return false
	}
	for _, other := range block(k.source, blockStart(k)) {
		if held, _ := c.held(k.source, other.unit().terms); other.index != k.index && held > 0.8*own {
			return false
		}
	}
	return true
}

// mostlyAsks tells a table of contents: a list of questions.
func mostlyAsks(list []candidate) bool {
	n := 0
	for _, k := range list {
		if k.unit().asksBack() {
			n++
		}
	}
	return 2*n >= len(list)
}

func termsOf(quotes []candidate) map[string]bool {
	terms := map[string]bool{}
	for _, k := range quotes {
		for t := range k.unit().terms {
			terms[t] = true
		}
	}
	return terms
}

// rows is the rows of a table, or the items of a list, when the best unit is one
// of them and the question asks for all.
func (c *corpus) rows(ranked []candidate) []candidate {
	if c.compares {
		return c.table(ranked[0])
	}
	first := ranked[0]
	all := block(first.source, blockStart(first))
	switch kind := first.unit().kind; {
	case (kind == row || kind == bullet) && c.several && !c.pinpoints(first):
		return within(all, listItems, listWidth)
	case kind == row:
		return within(c.alike(all, first), listItems, listWidth)
	}
	return nil
}

// alike returns the rows of a table that hold what the best one holds of the
// question, if they are most of it: then it does not tell which of them is
// meant.
func (c *corpus) alike(table []candidate, best candidate) []candidate {
	same := slices.DeleteFunc(slices.Clone(table), func(k candidate) bool {
		return k.unit().kind != row || len(c.facts) > 0 && !c.states(k.unit()) ||
			slices.ContainsFunc(c.terms, func(t string) bool { return best.unit().terms[t] && !k.unit().terms[t] })
	})
	if len(same) < 2 || 2*len(same) <= len(table) {
		return nil
	}
	return same
}

// table is, for a comparison, those rows and items that hold what is compared,
// of the table with the most to say.
func (c *corpus) table(first candidate) []candidate {
	whole := func(s *source, terms map[string]bool) float64 {
		own, above := c.held(s, terms)
		return own + above
	}
	most, _ := c.held(first.source, first.unit().terms)
	var best []candidate
	for j := 0; j < len(first.source.units); {
		table := block(first.source, j)
		j += len(table)
		kept, own := c.matching(table, most/2)
		// What is compared may also stand in a row each.
		if (own >= most || whole(first.source, termsOf(kept)) >= whole(first.source, first.unit().terms)) && len(kept) > len(best) {
			best = kept
		}
	}
	return within(best, listItems, listWidth)
}

// matching returns the rows and items that hold at least so much weight of the
// question, and the most that one of them holds.
func (c *corpus) matching(table []candidate, least float64) (kept []candidate, most float64) {
	for _, k := range table {
		own, _ := c.held(k.source, k.unit().terms)
		if kind := k.unit().kind; own >= least && (kind == row || kind == bullet) {
			kept = append(kept, k)
			most = max(most, own)
		}
	}
	return kept, most
}
