package eval

import (
	"context"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
)

// apart are the sets whose pages are each about a thing of their own. A question
// to them has no answer any more once its page is taken away; in manuals, and
// in lists of what is often asked, another passage often answers too.
// Read only.
var apart = map[string]bool{"zh_cmrc": true, "zh_drcd": true, "xl_xquad": true}

// withheld is the kind of a query that the page which answers it was kept from.
const withheld = "withheld"

// weight is how much the questions of a set and a kind count in learning when
// to abstain, where it is not 1: as much as it takes for every kind to be
// refused, and every set to be answered, as often as it should, out of fold. Of
// what manuals were deprived of nothing is learned. Read only.
var weight = map[[2]string]float64{
	{"en_faq", ""}: 2, {"en_vagov", ""}: 1.1, {"xl_xquad", ""}: 2.2, {"zh_drcd", ""}: 1.4,
	{"zh_cmrc", "deleted_doc"}: 4, {"zh_cmrc", withheld}: 3,
	{"xl_xquad", "deleted_doc"}: 1.5, {"xl_xquad", withheld}: 1.5,
	{"en_vagov", "deleted_doc"}: 0, {"zh_tidb", "deleted_doc"}: 0,
	{"en_vagov", "cross_domain"}: 6, {"zh_tidb", "cross_domain"}: 6,
	{"en_faq", "oos_live_bot"}: 1.15,
	{sample, "not_there"}:      4,
}

// weightOf is how much a question of this kind to this set counts.
func weightOf(set, kind string) float64 {
	if w, ok := weight[[2]string{set, kind}]; ok {
		return w
	}
	return 1
}

// withhold asks the queries of a set once more, each of an index without the
// pages that answer it. An example is about what the query was about too.
func (c Config) withhold(ctx context.Context, name string, s set, indexes shelf, queries []probe, before []weighed) ([]weighed, error) {
	pages := map[string][]desk.DocumentID{} // by title
	for _, d := range s.corpus {
		pages[d.Title] = append(pages[d.Title], desk.DocumentID(d.ID))
	}
	titles := map[string]string{}
	for _, d := range s.corpus {
		titles[d.ID] = d.Title
	}
	var all []weighed
	for i, q := range queries {
		if q.kind != "" {
			continue
		}
		var drop []desk.DocumentID
		for id := range q.gold {
			drop = append(drop, desk.DocumentID(id))
			if title := titles[id]; title != "" {
				drop = append(drop, pages[title]...)
			}
		}
		ix, err := indexes.of(q.query).With(ctx, nil, drop)
		if err != nil {
			return nil, err
		}
		q.kind = withheld
		examples, err := c.weigh(ctx, name, func(query) *retrieval.Index { return ix }, []probe{q})
		if err != nil {
			return nil, err
		}
		examples[0].passages = append(before[i].passages[:1:1], append(examples[0].passages, before[i].passages...)...)
		all = append(all, examples...)
	}
	return all, nil
}
