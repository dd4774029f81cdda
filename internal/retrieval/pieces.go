package retrieval

import "kefu/internal/desk"

// weighPieces tells what a passage holds of the weightiest piece of the
// question, mostly the name of what is asked about, and of the others: a
// passage that has "a railway's length", though not this railway's, is no answer.
func (w *weighing) weighPieces(e *Evidence, id desk.ChunkID) {
	var held, all, subject, subjectHeld float64
	var from, to int // the subject's
	for start := 0; start < len(w.terms); {
		end := w.pieceEnd(start)
		has, weight := 0.0, 0.0
		for i := start; i < end; i++ {
			weight += w.terms[i].weight
			if w.holds(id, i) {
				has += w.terms[i].weight
			}
		}
		held, all = held+has, all+weight
		if weight > subject {
			subject, subjectHeld = weight, has
			from, to = start, end
		}
		start = end
	}
	e.Subject = subjectHeld / subject
	if at, place, found := w.ix.find(id); found {
		e.Whole = w.reader.run(at, place, from, to) / subject
	}
	e.Rest = e.Subject
	if all > subject {
		e.Rest = (held - subjectHeld) / (all - subject)
	}
}

// pieceEnd is where the piece that starts at a term ends: bigrams that share a
// character were written without anything between them, a word is a piece by
// itself.
func (w *weighing) pieceEnd(start int) int {
	end := start + 1
	for end < len(w.terms) && overlap(w.terms[end-1].term, w.terms[end].term) {
		end++
	}
	return end
}

// siblings is the share of the passages found beside the first that have its
// title: a page that is found again and again is what was asked about.
func siblings(found []desk.Passage) float64 {
	if len(found) < 2 || found[0].Title == "" {
		return 0
	}
	n := 0
	for _, p := range found[1:] {
		if p.Title == found[0].Title {
			n++
		}
	}
	return float64(n) / float64(len(found)-1)
}
