package eval

import (
	"errors"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Verdict says how a question ended against what was expected, a closed set.
type Verdict string

const (
	Right        Verdict = "right"
	Refused      Verdict = "refused"       // there is an answer, and Kefu did not know
	ShouldRefuse Verdict = "should_refuse" // there is none, and Kefu answered
	OtherSource  Verdict = "other_source"  // no expected document is cited
	OtherAnswer  Verdict = "other_answer"  // the expected text is not in the answer
	Failed       Verdict = "failed"        // no answer came
)

// Verdicts lists the set, best first.
var Verdicts = [...]Verdict{Right, OtherSource, OtherAnswer, Refused, ShouldRefuse, Failed}

// Mark is what became of one question.
type Mark struct {
	ID       string    `json:"id,omitempty"`
	Question string    `json:"question"`
	Lang     desk.Lang `json:"lang"`
	// Expected names the documents, or else the text or answer; it is empty for
	// a question that has no answer.
	Expected []string `json:"expected"`
	Verdict  Verdict  `json:"verdict"`
	// Rank of the first that was expected among the documents, or for a text the
	// passages, that the search finds: from 1; 0: not among the first ten
	// passages. Both are null where no document or text is expected.
	Rank   *int     `json:"rank"`
	NDCG10 *float64 `json:"ndcg10"`
	Answer string   `json:"answer"` // personal data masked
	Cited  []string `json:"cited"`
	// Precision and Recall of the documents cited; null where there is nothing
	// to say: none expected, not answered, or for Precision none cited.
	Precision *float64       `json:"precision"`
	Recall    *float64       `json:"recall"`
	Outcome   desk.Outcome   `json:"outcome"`
	Route     desk.RouteKind `json:"route"`
	Reason    string         `json:"route_reason"`
	Provider  string         `json:"provider"`
	Model     string         `json:"model"`
	Cache     string         `json:"cache_tier"` // that answered the first asking; empty: none did
	Again     string         `json:"again"`      // that answered the second
	SearchMS  float64        `json:"search_ms"`
	LatencyMS float64        `json:"latency_ms"`
	AgainMS   float64        `json:"again_ms"`
	Tokens    int            `json:"tokens"`
	CostUSD   float64        `json:"cost_usd"` // of the first asking; what the cache gave is free
	Error     string         `json:"error,omitempty"`

	again float64 // what asking again cost, USD
}

func (m *Mark) fail(err error) {
	m.Verdict, m.Error = Failed, "failed"
	var said *desk.Error
	if errors.As(err, &said) {
		m.Error = said.Code
	}
}

func (r *run) expected(q Own) []string {
	var names []string
	for _, id := range q.Documents {
		names = append(names, r.names[id])
	}
	if len(names) == 0 && !q.Unanswerable {
		names = append(names, firstOf(q.Says, q.Passage))
	}
	return names
}

func firstOf(texts ...string) string {
	return texts[max(0, slices.IndexFunc(texts, func(s string) bool { return s != "" }))]
}

// rank looks for what is expected in what was found. Of a document its best
// passage counts; a text is found once.
func (q Own) rank(hits []desk.Hit, m *Mark) {
	if len(q.Documents) == 0 && q.Passage == "" {
		return
	}
	byDocument, wanted := q.Passage == "", 1
	if byDocument {
		wanted = len(q.Documents)
	}
	var places []int
	place, seen := 0, map[desk.DocumentID]bool{}
	for _, h := range hits {
		if byDocument && seen[h.Document] {
			continue
		}
		seen[h.Document] = true
		place++
		if len(places) < wanted && q.finds(h.Passage) {
			places = append(places, place)
		}
	}
	first, got, ideal := 0, 0.0, 0.0
	for i, at := range places {
		if i == 0 {
			first = at
		}
		got += gain(at)
	}
	for i := range wanted {
		ideal += gain(i + 1)
	}
	score := round(got / ideal)
	m.Rank, m.NDCG10 = &first, &score
}

// finds tells whether a passage is one that is expected.
func (q Own) finds(p desk.Passage) bool {
	if len(q.Documents) > 0 && !slices.Contains(q.Documents, p.Document) {
		return false
	}
	return q.Passage == "" || within(q.Passage, p.Text) || within(q.Passage, p.Question)
}

// within tells whether text holds part, however it is spaced and set.
func within(part, text string) bool { return strings.Contains(plain(text), plain(part)) }

func plain(s string) string { return strings.ReplaceAll(lang.Normalise(s), " ", "") }

// cite marks which documents are cited.
func (r *run) cite(q Own, a desk.Answer, m *Mark) {
	cited := map[desk.DocumentID]bool{}
	for _, c := range a.Citations {
		if !cited[c.Document] {
			m.Cited = append(m.Cited, r.names[c.Document])
		}
		cited[c.Document] = true
	}
	if len(q.Documents) == 0 || a.Outcome == desk.Abstained {
		return
	}
	right := 0
	for _, id := range q.Documents {
		if cited[id] {
			right++
		}
	}
	recall := round(float64(right) / float64(len(q.Documents)))
	m.Recall = &recall
	if len(cited) > 0 {
		precision := round(float64(right) / float64(len(cited)))
		m.Precision = &precision
	}
}

func (q Own) verdict(a desk.Answer, m *Mark) Verdict {
	refused := a.Outcome == desk.Abstained
	switch {
	case q.Unanswerable && refused:
		return Right
	case q.Unanswerable:
		return ShouldRefuse
	case refused:
		return Refused
	case q.Says != "" && !within(q.Says, string(a.Text)):
		return OtherAnswer
	case m.Recall != nil && *m.Recall == 0:
		return OtherSource
	}
	return Right
}
