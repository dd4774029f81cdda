package eval

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"kefu/internal/grounding"
)

// Claims is how well the verifier tells what sources say from what they do
// not, on this project's own cases in one language.
type Claims struct {
	// Caught is the share of the unsupported claims that are dropped or, where
	// another source was named, set right; Rejected that of the honest
	// paraphrases that are dropped too.
	Caught   float64            `json:"caught"`
	Rejected float64            `json:"rejected"`
	ByKind   map[string]float64 `json:"by_kind"` // share judged right

	Cases int `json:"-"`
}

func measureClaims(_ context.Context, _ Config, _ string, r *Report) error {
	type tally struct{ right, all float64 }
	counts := map[string]map[string]tally{}
	for _, c := range grounding.Cases() {
		if counts[c.Lang] == nil {
			counts[c.Lang] = map[string]tally{}
		}
		right := 0.0
		if c.Holds(grounding.Verify(c.Answer, c.Passages())) == c.Supported() {
			right = 1
		}
		group := "caught"
		if c.Supported() {
			group = "kept"
		}
		for _, name := range []string{c.Kind, group} {
			n := counts[c.Lang][name]
			counts[c.Lang][name] = tally{n.right + right, n.all + 1}
		}
	}
	r.Claims = map[string]Claims{}
	for language, kinds := range counts {
		s := Claims{ByKind: map[string]float64{}}
		for kind, n := range kinds {
			switch share := round(n.right / n.all); kind {
			case "caught":
				s.Caught = share
			case "kept":
				s.Rejected = round(1 - share)
			default:
				s.ByKind[kind] = share
				s.Cases += int(n.all)
			}
		}
		r.Claims[language] = s
	}
	return nil
}

func claimsTable(r Report, t io.Writer) {
	fmt.Fprintln(t, "claims\tcases\tunsupported caught\tparaphrases rejected\t")
	for _, language := range slices.Sorted(maps.Keys(r.Claims)) {
		s := r.Claims[language]
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.3f\t\n", language, s.Cases, s.Caught, s.Rejected)
	}
}
