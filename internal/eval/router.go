package eval

import (
	"kefu/internal/desk"
)

// routing measures the router on each language by itself. Agent counts as
// complex: the labels know two kinds.
func routing(router Router, questions []routed) map[string]Routing {
	type confusion [2][2]int // [labelled complex][called complex]
	counts := make(map[string]*confusion)
	for _, q := range questions {
		language := q.Lang[:min(len(q.Lang), 2)] // zh-Hant is zh
		if counts[language] == nil {
			counts[language] = new(confusion)
		}
		counts[language][index(q.Label == string(desk.Complex))][index(router.Decide(q.Text).Kind != desk.Simple)]++
	}
	result := make(map[string]Routing)
	for language, c := range counts {
		n := c[0][0] + c[0][1] + c[1][0] + c[1][1]
		result[language] = Routing{
			MacroF1:   round((f1(c[0][0], c[1][0], c[0][1]) + f1(c[1][1], c[0][1], c[1][0])) / 2),
			Accuracy:  round(float64(c[0][0]+c[1][1]) / float64(n)),
			Questions: n,
		}
	}
	return result
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
