package retrieval

import (
	"path"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// translations are those languages whose names in a path tell a page from its
// translation: returns.zh.md from returns.md, zh/returns.md from
// en/returns.md. Read only.
var translations = map[string]bool{
	"en": true, "en-us": true, "en-gb": true, "english": true,
	"zh": true, "zh-cn": true, "zh-hans": true, "zh-tw": true, "zh-hk": true, "zh-hant": true, "cn": true, "chinese": true,
}

// pageOf is what a page and its translations share: the key that they declare,
// else what their origins have in common. Empty: it is not known where the page
// is from.
func pageOf(p desk.Passage) string {
	if p.TranslationKey != "" {
		return "\x00" + p.TranslationKey // no origin begins so
	}
	if p.Origin == "" {
		return ""
	}
	origin := strings.ToLower(strings.TrimSuffix(p.Origin, path.Ext(p.Origin)))
	if bare, language := strings.TrimSuffix(origin, path.Ext(origin)), strings.TrimPrefix(path.Ext(origin), "."); translations[strings.ReplaceAll(language, "_", "-")] {
		origin = bare
	}
	kept := strings.Split(origin, "/")
	for i := 0; i < len(kept)-1; i++ {
		if translations[strings.ReplaceAll(kept[i], "_", "-")] {
			kept = append(kept[:i], kept[i+1:]...)
			i--
		}
	}
	return strings.Join(kept, "/")
}

// translate adds to what was found in another language what stands at its
// place in the translation of its page, with the score that it would have in
// the language asked for, or the better one by which that was found itself. At
// most k are returned.
func (ix *Index) translate(list []found, asked desk.Lang, k int) []found {
	if asked == "" || ix.cfg.OtherLanguage == 0 {
		return list
	}
	all := slices.Clone(list)
	there := make(map[desk.ChunkID]int, len(list)) // where in all
	for i, f := range list {
		there[ix.id(f)] = i
	}
	for _, f := range list {
		preferred := ix.preference(f, asked)
		if preferred == 1 {
			continue
		}
		t, ok := ix.translation(f, asked)
		if !ok {
			continue
		}
		t.score = f.score / preferred
		if at, found := there[ix.id(t)]; found { // by less, as anything is among few
			if t.score > all[at].score {
				all[at].score, all[at].borrowed = t.score, true
			}
			continue
		}
		t.borrowed = true
		there[ix.id(t)] = len(all)
		all = append(all, t)
	}
	best := ix.top(k)
	for _, f := range all {
		best.offer(f)
	}
	return best.list
}

// translation finds the chunk that stands as far into the translation of a
// page as f does into the page. What was told of f is not told of it. Pairs of
// questions and answers have no order that translations keep, and where the
// numbers of chunks differ by more than a fifth it is another text.
func (ix *Index) translation(f found, asked desk.Lang) (found, bool) {
	p := ix.parts[f.part].passages[f.place]
	page := pageOf(p)
	if page == "" || p.Kind == desk.FAQ {
		return found{}, false
	}
	chunks := ix.parts[f.part].chunksOf(p.Document)
	for at, part := range ix.parts {
		for _, id := range part.pages[page] {
			others := part.chunksOf(id)
			if len(others) == 0 || part.passages[others[0]].Lang != asked || 5*max(len(others)-len(chunks), len(chunks)-len(others)) > len(chunks) {
				continue
			}
			n := min(p.Ordinal, len(chunks)-1)
			if len(chunks) != len(others) { // and so more than one
				n = (n*(len(others)-1) + (len(chunks)-1)/2) / (len(chunks) - 1)
			}
			return found{part: at, place: others[min(n, len(others)-1)], translation: true}, true
		}
	}
	return found{}, false
}

// chunksOf are the live passages of a document, in order.
func (p part) chunksOf(id desk.DocumentID) []int32 {
	places := p.documents[id]
	if len(places) > 0 && p.dead.has(places[0]) {
		return nil // a document dies as a whole
	}
	return places
}
