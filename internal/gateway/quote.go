package gateway

import (
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Quote bounds from above what one call may cost along its chain, by the
// tokens of its prompt and its MaxTokens: at the target that is asked first,
// and at the dearest. Targets that have no price are never asked under a
// budget in dollars; the first one's is reported.
func (g *Gateway) Quote(c llm.Call, promptTokens int) (llm.Quote, error) {
	ch, err := g.chainOf(c)
	if err != nil {
		return llm.Quote{}, err
	}
	var q llm.Quote
	for i, t := range ch.paid {
		longest := c.MaxTokens
		if longest == 0 {
			longest = t.MaxTokens
		}
		q.Tokens = max(q.Tokens, int64(promptTokens+longest))
		price, known := g.config.Prices.Lookup(t.Model)
		worst := desk.MicroUSD(0)
		if known {
			worst = price.Worst(promptTokens, longest)
		}
		if i == 0 {
			q.First = worst
			if !known {
				q.Unpriced = t.Model
			}
		}
		q.Dearest = max(q.Dearest, worst)
	}
	return q, nil
}

// Quote bounds what one call for a text of that many bytes may cost.
func (e *embedder) Quote(bytes int) llm.Quote {
	q := llm.Quote{Tokens: int64(bytes)}
	if p, known := e.prices.Lookup(e.model); known {
		q.First = p.Worst(bytes, 0)
		q.Dearest = q.First
	}
	return q
}
