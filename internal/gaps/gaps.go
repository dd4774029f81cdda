// Package gaps finds out what the knowledge base lacks, from the questions that
// it did not answer well.
package gaps

import (
	"cmp"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/match"
)

// compared is how many questions are compared with each other by their meaning:
// those asked most. At 4 to 20 µs a comparison, half a million take seconds.
const compared = 400

// Group makes a gap of all complaints that ask the same, those asked most
// first, then the latest. Questions are the same when they differ in spelling
// only, or, for the 400 asked most, when match says so.
func Group(complaints []desk.Complaint) []desk.Gap {
	bySpelling := map[string]int{}
	var all []desk.Gap
	for _, c := range complaints {
		plain := lang.Normalise(string(c.Question))
		if plain == "" {
			continue
		}
		i, known := bySpelling[plain]
		if !known {
			i = len(all)
			bySpelling[plain] = i
			all = append(all, desk.Gap{})
		}
		all[i] = merge(all[i], newGap(c))
	}
	slices.SortFunc(all, mostFirst)
	all = alike(all)
	slices.SortFunc(all, mostFirst)
	return all
}

// alike merges what means the same into the one asked most.
func alike(all []desk.Gap) []desk.Gap {
	n := min(len(all), compared)
	var kept []desk.Gap
	var read []match.Question
	for _, g := range all[:n] {
		q := match.Read(string(g.Question))
		i := slices.IndexFunc(read, func(other match.Question) bool { _, same := q.Same(other); return same })
		if i < 0 {
			kept, read = append(kept, g), append(read, q)
			continue
		}
		kept[i] = merge(kept[i], g)
	}
	return append(kept, all[n:]...)
}

func newGap(c desk.Complaint) desk.Gap {
	g := desk.Gap{Question: c.Question, Lang: c.Lang, Count: c.Askings, LastAsked: c.Asked, LastAnswer: c.Answer}
	if c.Disliked {
		g.Disliked = 1
	}
	return g
}

// merge counts both and shows the later.
func merge(a, b desk.Gap) desk.Gap {
	later := a
	if b.LastAsked.After(a.LastAsked) {
		later = b
	}
	later.Count, later.Disliked = a.Count+b.Count, a.Disliked+b.Disliked
	return later
}

func mostFirst(a, b desk.Gap) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), b.LastAsked.Compare(a.LastAsked), cmp.Compare(a.LastAnswer, b.LastAnswer))
}
