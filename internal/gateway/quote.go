package gateway

import (
	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Quote bounds from above what one call may cost along its chain, given a bound on
// the tokens of its prompt. Targets without a price count as free, since they are
// never asked under a budget in dollars; Unpriced tells if the first one is such.
// The error is a *desk.Error for a model or provider that is not configured.
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

// Quote bounds from above what embedding a text of that many bytes may cost.
func (e *embedder) Quote(bytes int) llm.Quote {
	q := llm.Quote{Tokens: int64(bytes)}
	if p, known := e.prices.Lookup(e.model); known {
		q.First = p.Worst(bytes, 0)
		q.Dearest = q.First
	}
	return q
}
