package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"kefu/internal/match"
)

// Pairs is how well two questions are told to be the same in one language,
// which decides whether one may be given the other's answer.
type Pairs struct {
	// HitRate is the share of the pairs with one answer that are found to be
	// the same, FalseHitRate that of the pairs with different answers.
	HitRate      float64 `json:"hit_rate"`
	FalseHitRate float64 `json:"false_hit_rate"`

	Same      int `json:"-"`
	Different int `json:"-"`
}

// pair is a line of pairs.jsonl.
type pair struct {
	A    string `json:"a"`
	B    string `json:"b"`
	Same bool   `json:"same"`
	Lang string `json:"lang"`
}

func (p pair) check() error { return wantAll(p.A, "a", p.B, "b", p.Lang, "lang") }

func measurePairs(_ context.Context, cfg Config, dir string, r *Report) error {
	pairs, err := readSection[pair](cfg, dir, "pairs.jsonl")
	if err != nil || len(pairs) == 0 {
		return err
	}
	r.Pairs = map[string]Pairs{}
	for _, p := range pairs {
		language := p.Lang[:min(len(p.Lang), 2)] // zh-Hant is zh
		s := r.Pairs[language]
		hit := 0.0
		if _, same := match.Same(p.A, p.B); same {
			hit = 1
		}
		if p.Same {
			s.Same++
			s.HitRate += hit
		} else {
			s.Different++
			s.FalseHitRate += hit
		}
		r.Pairs[language] = s
	}
	for language, s := range r.Pairs {
		s.HitRate = round(s.HitRate / float64(max(s.Same, 1)))
		s.FalseHitRate = round(s.FalseHitRate / float64(max(s.Different, 1)))
		r.Pairs[language] = s
	}
	return nil
}

func pairsTable(r Report, t io.Writer) {
	if len(r.Pairs) > 0 {
		fmt.Fprintln(t, "same question\tpairs\thit rate\tdifferent\tfalse hit rate\t")
	}
	for _, language := range slices.Sorted(maps.Keys(r.Pairs)) {
		s := r.Pairs[language]
		fmt.Fprintf(t, "%s\t%d\t%.4f\t%d\t%.4f\t\n", language, s.Same, s.HitRate, s.Different, s.FalseHitRate)
	}
}
