package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"kefu/internal/abstain"
	"kefu/internal/lang"
	"kefu/internal/retrieval"
)

// Unanswerable is, for one retrieval set, how often the decision to abstain is
// right. It is taken before a model is asked, at the one setting of Config.
type Unanswerable struct {
	// Answered is the share of the set's own queries that are not refused.
	Answered float64 `json:"answered"`
	// Refused is the share of questions without an answer that are, by kind.
	Refused map[string]float64 `json:"refused"`

	Questions map[string]int `json:"-"` // by kind
}

// unanswerable is a line of unanswerable.jsonl.
type unanswerable struct {
	Text string `json:"text"`
	KB   string `json:"kb"` // a retrieval set, or set:kb
	Kind string `json:"kind"`
}

func (u unanswerable) check() error { return wantAll(u.Text, "text", u.KB, "kb", u.Kind, "kind") }

func measureUnanswerable(ctx context.Context, cfg Config, dir string, r *Report) error {
	examples, err := cfg.evidence(ctx, dir)
	if err != nil || len(examples) == 0 {
		return err
	}
	judge := abstain.New()
	type tally struct{ right, all int }
	counts := map[string]map[string]tally{}
	for _, e := range examples {
		if counts[e.Set] == nil {
			counts[e.Set] = map[string]tally{}
		}
		c := counts[e.Set][e.Group]
		c.all++
		if (judge.Answerable(e.Evidence) >= cfg.Abstain) == e.Answerable {
			c.right++
		}
		counts[e.Set][e.Group] = c
	}
	r.Unanswerable = map[string]Unanswerable{}
	for set, kinds := range counts {
		u := Unanswerable{Refused: map[string]float64{}, Questions: map[string]int{}}
		for kind, c := range kinds {
			if share := round(float64(c.right) / float64(c.all)); kind == "" {
				u.Answered = share
			} else {
				u.Refused[kind], u.Questions[kind] = share, c.all
			}
		}
		r.Unanswerable[set] = u
	}
	return nil
}

// Evidence is what abstaining is learned from: for the queries of every set,
// and for the questions of unanswerable.jsonl, what the search finds. Group is
// the kind of the question, "" for those that have an answer.
func Evidence(ctx context.Context, dir string, cfg Config) ([]abstain.Example, error) {
	return cfg.ready().evidence(ctx, dir)
}

func (c Config) evidence(ctx context.Context, dir string) ([]abstain.Example, error) {
	questions, err := readSection[unanswerable](c, dir, "unanswerable.jsonl")
	if err != nil || len(questions) == 0 {
		return nil, err
	}
	asked := map[string][]unanswerable{}
	for _, q := range questions {
		set, _, _ := strings.Cut(q.KB, ":")
		asked[set] = append(asked[set], q)
	}
	var examples []abstain.Example
	err = c.eachSet(dir, func(name string, s set) error {
		found, err := c.evidenceOf(ctx, name, s, asked[name])
		examples = append(examples, found...)
		return err
	})
	return examples, err
}

func (c Config) evidenceOf(ctx context.Context, name string, s set, without []unanswerable) ([]abstain.Example, error) {
	kinds := make([]string, len(s.queries), len(s.queries)+len(without)) // "": has an answer
	for _, q := range without {
		_, kb, _ := strings.Cut(q.KB, ":")
		s.queries = append(s.queries, query{Text: q.Text, KB: kb})
		kinds = append(kinds, q.Kind)
	}
	items, err := c.items(ctx, s.corpus)
	if err != nil {
		return nil, err
	}
	shelf, err := newShelf(c.Retrieval, s, items)
	if err != nil {
		return nil, err
	}
	vectors, err := c.embed(ctx, texts(s.queries))
	if err != nil {
		return nil, err
	}
	examples := make([]abstain.Example, len(s.queries))
	for i, q := range s.queries {
		ix := shelf.of(q)
		found, err := ix.Search(ctx, retrieval.Query{Text: q.Text, Lang: lang.Of(q.Text), Vector: vectors[i], K: depth})
		if err != nil {
			return nil, err
		}
		examples[i] = abstain.Example{Evidence: ix.Evidence(q.Text, found), Answerable: kinds[i] == "", Group: kinds[i], Set: name}
	}
	return examples, nil
}

func unanswerableTable(r Report, t io.Writer) {
	if len(r.Unanswerable) > 0 {
		fmt.Fprintln(t, "abstention\tanswered\trefused\t\tquestions\t")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Unanswerable)) {
		u := r.Unanswerable[name]
		fmt.Fprintf(t, "%s\t%.3f\t\t\t\t\n", name, u.Answered)
		for _, kind := range slices.Sorted(maps.Keys(u.Refused)) {
			fmt.Fprintf(t, "\t\t%.3f\t%s\t%d\t\n", u.Refused[kind], kind, u.Questions[kind])
		}
	}
}
