package eval

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
	"kefu/internal/route"
)

// Router is what is measured on router.jsonl.
type Router interface {
	Decide(question string) desk.Route
	// Knows tells whether the router was trained on the question.
	Knows(question string) bool
}

// Routing is the quality of the router in one language. Questions that it was
// trained on are decided by a router trained on the other folds.
type Routing struct {
	MacroF1  float64 `json:"macro_f1"`
	Accuracy float64 `json:"accuracy"`
	// LeftOut is the macro-F1 when the questions of each source are decided by
	// a router that saw none of that source. 0: there is one source only.
	LeftOut float64 `json:"left_out,omitempty"`

	Questions int `json:"-"`
	OutOfFold int `json:"-"` // of which the router was trained on
}

// folds is how many parts a cross-validation has; equal questions are in one.
const folds = 10

func measureRouting(_ context.Context, cfg Config, dir string, r *Report) error {
	questions, err := readSection[routed](cfg, dir, "router.jsonl")
	if err != nil || cfg.Router == nil {
		return err
	}
	asked := make(map[string][]route.Example) // by language
	for _, q := range questions {
		language := q.Lang[:min(len(q.Lang), 2)] // zh-Hant is zh
		asked[language] = append(asked[language], q.example())
	}
	var pool []route.Example // what the router learned from
	for _, list := range asked {
		pool = append(pool, list...)
	}
	pool = slices.DeleteFunc(pool, func(e route.Example) bool { return !cfg.Router.Knows(e.Text) })
	if len(pool) > 0 { // else how the support questions did when it was trained is unknown
		asked["support"] = route.Support()
	}
	pool = append(pool, route.Support()...)

	unseen := cfg.crossValidated(pool)
	for language, list := range asked {
		s := score(list, func(e route.Example) Router {
			if cfg.Router.Knows(e.Text) {
				return unseen[fold(e.Text)]
			}
			return cfg.Router
		})
		for _, e := range list {
			if cfg.Router.Knows(e.Text) {
				s.OutOfFold++
			}
		}
		if language != "support" {
			s.LeftOut = cfg.leftOut(list)
		}
		r.Router[language] = s
	}
	return nil
}

func (q routed) example() route.Example {
	return route.Example{Text: q.Text, Kind: desk.RouteKind(q.Label), Source: q.Source}
}

// Routes reads labelled questions from a file as router.jsonl.
func Routes(path string) ([]route.Example, error) {
	questions, err := readLines[routed](path)
	examples := make([]route.Example, len(questions))
	for i, q := range questions {
		examples[i] = q.example()
	}
	return examples, err
}

// Corrections tells how many of the examples r decides as they are labelled,
// and how many routers do that were corrected by the other folds.
func Corrections(r *route.Router, examples []route.Example) (before, after int) {
	right := func(by *route.Router, e route.Example) int {
		return index((by.Decide(e.Text).Kind != desk.Simple) == (e.Kind != desk.Simple))
	}
	var unseen [folds]*route.Router
	for k := range folds {
		unseen[k] = r.Corrected(slices.DeleteFunc(slices.Clone(examples), func(e route.Example) bool { return fold(e.Text) == k }))
	}
	for _, e := range examples {
		before, after = before+right(r, e), after+right(unseen[fold(e.Text)], e)
	}
	return before, after
}

// crossValidated trains a router for each fold on all others.
func (c Config) crossValidated(pool []route.Example) [folds]Router {
	var unseen [folds]Router
	for k := range folds {
		unseen[k] = c.Train(slices.DeleteFunc(slices.Clone(pool), func(e route.Example) bool { return fold(e.Text) == k }))
	}
	return unseen
}

// leftOut is the macro-F1 over questions, each source decided by a router that
// was trained on the others and the support questions.
func (c Config) leftOut(list []route.Example) float64 {
	bySource := make(map[string]Router)
	for _, e := range list {
		bySource[e.Source] = nil
	}
	if len(bySource) < 2 {
		return 0
	}
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		others := slices.DeleteFunc(slices.Concat(list, route.Support()), func(e route.Example) bool { return e.Source == source })
		bySource[source] = c.Train(others)
	}
	return score(list, func(e route.Example) Router { return bySource[e.Source] }).MacroF1
}

// fold is the part that a question belongs to.
func fold(text string) int {
	h := fnv.New32a()
	h.Write([]byte(lang.Normalise(text)))
	return int(h.Sum32() % folds)
}

// score lets by decide each question. Agent counts as complex: the labels know
// two kinds.
func score(list []route.Example, by func(route.Example) Router) Routing {
	var c [2][2]int // [labelled complex][called complex]
	for _, e := range list {
		c[index(e.Kind == desk.Complex)][index(by(e).Decide(e.Text).Kind != desk.Simple)]++
	}
	return Routing{
		MacroF1:   round((f1(c[0][0], c[1][0], c[0][1]) + f1(c[1][1], c[0][1], c[1][0])) / 2),
		Accuracy:  round(float64(c[0][0]+c[1][1]) / float64(max(len(list), 1))),
		Questions: len(list),
	}
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// f1 is the harmonic mean of precision and recall, 0 without a hit.
func f1(hit, falseHit, miss int) float64 {
	if hit == 0 {
		return 0
	}
	return 2 * float64(hit) / float64(2*hit+falseHit+miss)
}

func routingTable(r Report, t io.Writer) {
	if len(r.Router) > 0 {
		fmt.Fprintln(t, "router\tquestions\tout of fold\tmacro-F1\taccuracy\tsource left out\t")
	}
	for _, language := range slices.Sorted(maps.Keys(r.Router)) {
		s := r.Router[language]
		leftOut := ""
		if s.LeftOut > 0 {
			leftOut = fmt.Sprintf("%.3f", s.LeftOut)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%.3f\t%.3f\t%s\t\n", language, s.Questions, s.OutOfFold, s.MacroF1, s.Accuracy, leftOut)
	}
}
