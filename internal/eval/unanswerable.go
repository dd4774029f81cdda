package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"kefu/internal/abstain"
	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/retrieval"
)

// Unanswerable is, for one retrieval set, how often the decision to abstain is
// right. It is taken before a model is asked, at the one setting of Config. On
// questions that the judge was fitted to, another decides that was fitted to
// the other folds.
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
	type tally struct{ right, all int }
	counts := map[string]map[string]tally{}
	for i, answerable := range outOfFold(examples) {
		e := examples[i]
		if counts[e.Set] == nil {
			counts[e.Set] = map[string]tally{}
		}
		c := counts[e.Set][e.Kind]
		c.all++
		if (answerable >= cfg.Abstain) == (e.Kind == "") {
			c.right++
		}
		counts[e.Set][e.Kind] = c
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

// AnsweredShare is how much of the answerable questions of each set is answered
// at the default setting by a judge that was fitted to them: nearly two in a
// hundred more than promised, so that other questions of the same sets are too.
const AnsweredShare = 0.918

// weighed is an example and the passages that it is about: the one found first,
// those that answer it, and what is found first without them. Questions about
// one passage are in one fold, that of the first.
type weighed struct {
	abstain.Example
	passages []string
}

// isIn tells whether any passage of the example belongs to a fold.
func (w weighed) isIn(k int) bool {
	return slices.ContainsFunc(w.passages, func(id string) bool { return fold(id) == k })
}

// outOfFold is how answerable each example is found.
func outOfFold(examples []weighed) []float64 {
	judge := abstain.New()
	known := slices.DeleteFunc(slices.Clone(examples), func(e weighed) bool { return !judge.Knows(e.Set, e.Question) })
	var unseen [folds]abstain.Judge
	for k := range folds {
		unseen[k] = abstain.Fit(bare(slices.DeleteFunc(slices.Clone(known), func(e weighed) bool { return e.isIn(k) })), AnsweredShare)
	}
	answerable := make([]float64, len(examples))
	for i, e := range examples {
		by := judge
		if judge.Knows(e.Set, e.Question) {
			by = unseen[fold(e.passages[0])]
		}
		answerable[i] = by.Answerable(e.Evidence)
	}
	return answerable
}

func bare(examples []weighed) []abstain.Example {
	list := make([]abstain.Example, len(examples))
	for i, e := range examples {
		list[i] = e.Example
	}
	return list
}

// Evidence is what abstaining is learned from: for the queries of every set,
// and for the questions of unanswerable.jsonl, what the search finds.
func Evidence(ctx context.Context, dir string, cfg Config) ([]abstain.Example, error) {
	examples, err := cfg.ready().evidence(ctx, dir)
	return bare(examples), err
}

func (c Config) evidence(ctx context.Context, dir string) ([]weighed, error) {
	questions, err := readSection[unanswerable](c, dir, "unanswerable.jsonl")
	if err != nil || len(questions) == 0 {
		return nil, err
	}
	asked := map[string][]unanswerable{}
	for _, q := range questions {
		set, _, _ := strings.Cut(q.KB, ":")
		asked[set] = append(asked[set], q)
	}
	var examples []weighed
	err = c.eachSet(dir, func(name string, s set) error {
		found, err := c.evidenceOf(ctx, name, s, asked[name])
		examples = append(examples, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	own, err := c.sampleEvidence(ctx)
	return append(examples, own...), err
}

func (c Config) evidenceOf(ctx context.Context, name string, s set, without []unanswerable) ([]weighed, error) {
	questions := make([]probe, 0, len(s.queries)+len(without))
	for _, q := range s.queries {
		questions = append(questions, probe{query: q, gold: s.gold[q.ID]})
	}
	for _, q := range without {
		_, kb, _ := strings.Cut(q.KB, ":")
		questions = append(questions, probe{query: query{Text: q.Text, KB: kb}, kind: q.Kind})
		s.queries = append(s.queries, query{KB: kb}) // so that there is an index for it
	}
	items, err := c.items(ctx, s.corpus)
	if err != nil {
		return nil, err
	}
	shelf, err := newShelf(c.Retrieval, s, items)
	if err != nil {
		return nil, err
	}
	examples, err := c.weigh(ctx, name, shelf.of, questions)
	if err != nil || !apart[name] {
		return examples, err
	}
	again, err := c.withhold(ctx, name, s, shelf, questions, examples)
	return append(examples, again...), err
}

// probe is a question that evidence is asked for.
type probe struct {
	query
	gold map[string]bool // the passages that answer it
	kind string          // "": it has an answer
}

// weigh asks the questions of a set, each of its index.
func (c Config) weigh(ctx context.Context, name string, of func(query) *retrieval.Index, questions []probe) ([]weighed, error) {
	texts := make([]desk.Masked, len(questions))
	for i, q := range questions {
		texts[i] = desk.Masked(q.Text)
	}
	vectors, err := c.embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	examples := make([]weighed, len(questions))
	for i, q := range questions {
		ix := of(q.query)
		asked := retrieval.Query{Text: q.Text, Lang: lang.Of(q.Text), Vector: vectors[i], K: depth}
		found, err := ix.Search(ctx, asked)
		if err != nil {
			return nil, err
		}
		e := weighed{passages: []string{""}}
		if len(found) > 0 {
			e.passages[0] = string(found[0].ID)
		}
		e.passages = append(e.passages, slices.Sorted(maps.Keys(q.gold))...)
		e.Example = abstain.Example{Question: q.Text, Evidence: ix.Evidence(asked, found), Set: name, Kind: q.kind, Counts: weightOf(name, q.kind)}
		examples[i] = e
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
