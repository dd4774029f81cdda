package eval

import (
	"cmp"

	"kefu/internal/desk"
)

// OwnReport is what was measured on an operator's own questions. Shares and
// scores are in [0,1]; a section is null where nothing was expected of it.
type OwnReport struct {
	Name      string  `json:"name"`
	Questions int     `json:"questions"`
	Right     float64 `json:"right"` // share of the questions that ended as expected
	// Verdicts counts how they ended.
	Verdicts   map[Verdict]int `json:"verdicts"`
	Retrieval  *OwnRetrieval   `json:"retrieval"`
	Citations  *OwnCitations   `json:"citations"`
	Abstention OwnAbstention   `json:"abstention"`
	Routes     map[string]int  `json:"routes"`
	Cache      OwnCache        `json:"cache"`
	Latency    Spread          `json:"latency"` // of a whole answer at the first asking
	Cost       OwnCost         `json:"cost"`
	Results    []Mark          `json:"results"` // in the order of the set
}

// OwnRetrieval is how the search finds what is expected.
type OwnRetrieval struct {
	Questions int `json:"questions"`
	// Hit is the share of the questions of which something expected is among the
	// first k, for k from 1 to 10.
	Hit    [depth]float64 `json:"hit_at"`
	NDCG10 float64        `json:"ndcg10"`
	MRR10  float64        `json:"mrr10"`
	Search Spread         `json:"search"` // the embedding of the question included
}

// OwnCitations are means over the questions that were answered and have
// expected documents; Precision over those of them that cite.
type OwnCitations struct {
	Questions int     `json:"questions"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
}

// OwnAbstention tells apart the questions with an answer and without.
type OwnAbstention struct {
	Answerable   int      `json:"answerable"`
	Answered     *float64 `json:"answered"` // share of them
	Unanswerable int      `json:"unanswerable"`
	Refused      *float64 `json:"refused"` // share of them
}

// OwnCache is what came from the cache: by tier, how many questions at the first
// asking and at the second.
type OwnCache struct {
	First map[string]int `json:"first"`
	Again map[string]int `json:"again"`
	// HitRate is the share of the second askings that were hits.
	HitRate float64 `json:"hit_rate"`
	Latency Spread  `json:"latency"` // of the second askings
}

// Spread is of durations in milliseconds.
type Spread struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

// OwnCost is in US dollars.
type OwnCost struct {
	PerQuestion float64 `json:"per_question_usd"` // mean of the first askings
	Total       float64 `json:"total_usd"`        // both askings
	Tokens      int     `json:"tokens"`           // of the first askings
}

func newOwnReport(cfg OwnConfig, marks []Mark) OwnReport {
	r := OwnReport{
		Name: cfg.Name, Questions: len(marks), Verdicts: map[Verdict]int{}, Routes: map[string]int{},
		Cache: OwnCache{First: map[string]int{}, Again: map[string]int{}}, Results: marks,
	}
	var first, again []float64
	for _, m := range marks {
		r.Verdicts[m.Verdict]++
		if m.Verdict == Failed {
			continue
		}
		first = append(first, m.LatencyMS)
		r.Routes[string(m.Route)]++
		r.Cache.First[cmp.Or(m.Cache, none)]++
		if m.AgainMS > 0 {
			again = append(again, m.AgainMS)
			r.Cache.Again[cmp.Or(m.Again, none)]++
		}
		r.Cost.PerQuestion += m.CostUSD / float64(len(marks))
		r.Cost.Total += m.CostUSD + m.again
		r.Cost.Tokens += m.Tokens
	}
	r.Right = share(r.Verdicts[Right], max(1, len(marks)))
	r.Latency, r.Cache.Latency = spread(first), spread(again)
	r.Cache.HitRate = share(len(again)-r.Cache.Again[none], max(1, len(again)))
	r.Retrieval, r.Citations, r.Abstention = ownRetrieval(marks), ownCitations(marks), ownAbstention(marks)
	return r
}

// none stands for the tier of what no tier answered.
const none = "none"

func spread(ms []float64) Spread {
	return Spread{percentile(ms, 0.50), percentile(ms, 0.95), percentile(ms, 0.99)}
}

func ownRetrieval(marks []Mark) *OwnRetrieval {
	var r OwnRetrieval
	var hits [depth]int
	var took []float64
	for _, m := range marks {
		if m.Rank == nil {
			continue
		}
		r.Questions++
		r.NDCG10 += *m.NDCG10
		took = append(took, m.SearchMS)
		if *m.Rank > 0 {
			r.MRR10 += 1 / float64(*m.Rank)
			for k := *m.Rank; k <= depth; k++ {
				hits[k-1]++
			}
		}
	}
	if r.Questions == 0 {
		return nil
	}
	for i, n := range hits {
		r.Hit[i] = share(n, r.Questions)
	}
	r.NDCG10, r.MRR10 = round(r.NDCG10/float64(r.Questions)), round(r.MRR10/float64(r.Questions))
	r.Search = spread(took)
	return &r
}

func ownCitations(marks []Mark) *OwnCitations {
	var r OwnCitations
	cites := 0
	for _, m := range marks {
		if m.Recall == nil {
			continue
		}
		r.Questions++
		r.Recall += *m.Recall
		if m.Precision != nil {
			cites++
			r.Precision += *m.Precision
		}
	}
	if r.Questions == 0 {
		return nil
	}
	r.Recall, r.Precision = round(r.Recall/float64(r.Questions)), round(r.Precision/float64(max(1, cites)))
	return &r
}

func ownAbstention(marks []Mark) OwnAbstention {
	var r OwnAbstention
	answered, refused := 0, 0
	for _, m := range marks {
		switch {
		case m.Verdict == Failed:
		case len(m.Expected) == 0:
			r.Unanswerable++
			if m.Outcome == desk.Abstained {
				refused++
			}
		default:
			r.Answerable++
			if m.Outcome != desk.Abstained {
				answered++
			}
		}
	}
	if r.Answerable > 0 {
		s := share(answered, r.Answerable)
		r.Answered = &s
	}
	if r.Unanswerable > 0 {
		s := share(refused, r.Unanswerable)
		r.Refused = &s
	}
	return r
}
