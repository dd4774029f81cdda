package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/retrieval"
)

// Ranking is what was learned of how to weigh the shares of a passage, and how
// good it is.
type Ranking struct {
	Weights map[desk.Lang]retrieval.Weights `json:"weights"`
	Sets    []RankedSet                     `json:"sets"`
}

// RankedSet is nDCG@10 on the queries of a set in one language.
type RankedSet struct {
	Name    string    `json:"name"`
	Lang    desk.Lang `json:"lang"`
	Queries int       `json:"queries"`
	Picked  float64   `json:"picked"`      // by the weights that learning starts from
	Learned float64   `json:"learned"`     // by those learned from all queries
	Unseen  float64   `json:"out_of_fold"` // each query by those learned from the other folds
	LeftOut float64   `json:"left_out"`    // by those learned from the other sets
}

// lesson is a query of a set with the passages that fusion finds for it.
type lesson struct {
	query
	set        string
	lang       desk.Lang
	gold       map[string]bool
	candidates retrieval.Candidates
}

// ndcg is how well weights rank the candidates.
func (l lesson) ndcg(w retrieval.Weights) float64 {
	return judge(l.candidates.Rank(w), l.gold).NDCG10
}

// parts is how many folds the queries are cut into: equal ones are in one.
const parts = 5

// LearnRanking learns weights from the retrieval sets of dir, for each language
// of their queries, and measures them on queries and sets that they were not
// learned from. It fails as Run does.
func LearnRanking(ctx context.Context, dir string, cfg Config) (Ranking, error) {
	cfg = cfg.ready()
	lessons, err := cfg.lessons(ctx, dir)
	if err != nil {
		return Ranking{}, fmt.Errorf("eval: %w", err)
	}
	r := Ranking{Weights: map[desk.Lang]retrieval.Weights{}}
	byLang := map[desk.Lang][]lesson{}
	for _, l := range lessons {
		byLang[l.lang] = append(byLang[l.lang], l)
	}
	for _, l := range slices.Sorted(maps.Keys(byLang)) {
		of := byLang[l]
		cfg.Progress(fmt.Sprintf("%s: learning from %d queries", l, len(of)))
		r.Weights[l] = fit(of)
		var unseen [parts]retrieval.Weights
		for k := range parts {
			unseen[k] = fit(without(of, func(l lesson) bool { return fold(l.Text)%parts == k }))
		}
		for name, queries := range bySet(of) {
			r.Sets = append(r.Sets, RankedSet{
				Name: name, Lang: l, Queries: len(queries),
				Picked:  meanOf(queries, func(lesson) retrieval.Weights { return picked }),
				Learned: meanOf(queries, func(lesson) retrieval.Weights { return r.Weights[l] }),
				Unseen:  meanOf(queries, func(q lesson) retrieval.Weights { return unseen[fold(q.Text)%parts] }),
				LeftOut: meanOf(queries, always(fit(without(of, func(l lesson) bool { return l.set == name })))),
			})
		}
	}
	slices.SortFunc(r.Sets, func(a, b RankedSet) int {
		return slices.Compare([]string{string(a.Lang), a.Name}, []string{string(b.Lang), b.Name})
	})
	return r, nil
}

func always(w retrieval.Weights) func(lesson) retrieval.Weights {
	return func(lesson) retrieval.Weights { return w }
}

func without(lessons []lesson, out func(lesson) bool) []lesson {
	return slices.DeleteFunc(slices.Clone(lessons), out)
}

func bySet(lessons []lesson) map[string][]lesson {
	sets := map[string][]lesson{}
	for _, l := range lessons {
		sets[l.set] = append(sets[l.set], l)
	}
	return sets
}

// meanOf is the mean nDCG@10, each query ranked by its weights.
func meanOf(lessons []lesson, by func(lesson) retrieval.Weights) float64 {
	sum := 0.0
	for _, l := range lessons {
		sum += l.ndcg(by(l))
	}
	return round(sum / float64(max(len(lessons), 1)))
}

// lessons are the queries of every set.
func (c Config) lessons(ctx context.Context, dir string) (all []lesson, err error) {
	err = c.eachSet(dir, func(name string, s set) error {
		items, err := c.items(ctx, s.corpus)
		if err != nil {
			return err
		}
		vectors, err := c.embed(ctx, texts(s.queries))
		if err != nil {
			return err
		}
		indexes, err := newShelf(c.Retrieval, s, items)
		if err != nil {
			return err
		}
		for i, q := range s.queries {
			l := lesson{query: q, set: name, lang: lang.Of(q.Text), gold: s.gold[q.ID]}
			l.candidates, err = indexes.of(q).Candidates(ctx, retrieval.Query{Text: q.Text, Lang: l.lang, Vector: vectors[i], K: depth})
			if err != nil {
				return err
			}
			all = append(all, l)
		}
		return nil
	})
	return all, err
}

// Table writes the figures for people.
func (r Ranking) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "nDCG@10\tqueries\tpicked by hand\tlearned\tout of fold\tset left out\t")
	for _, s := range r.Sets {
		fmt.Fprintf(t, "%s %s\t%d\t%.4f\t%.4f\t%.4f\t%.4f\t\n", s.Lang, s.Name, s.Queries, s.Picked, s.Learned, s.Unseen, s.LeftOut)
	}
	return t.Flush()
}
