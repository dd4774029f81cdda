// Package price knows what models cost: a dated table, compiled in, that an
// operator's file may correct. A model that it does not know has an unknown
// price, never a price of zero.
package price

import (
	"time"

	"kefu/internal/desk"
)

// perMillion is the number of tokens that a Rate prices.
const perMillion = 1_000_000

// Rate is the price of a million tokens of each sort.
type Rate struct {
	Input  desk.MicroUSD // prompt tokens
	Cached desk.MicroUSD // prompt tokens that the vendor had cached
	Output desk.MicroUSD // completion tokens, reasoning included
}

// Tier is the rate of a request whose prompt is longer than Above tokens. It
// holds for all tokens of the request, not only for those beyond.
type Tier struct {
	Above int
	Rate  Rate
}

// Price is what one model costs during one period.
type Price struct {
	Model  string
	Vendor string
	Rate   Rate
	Tiers  []Tier // by growing Above; usually none
	// Window bounds prompt and completion together, MaxOutput the completion,
	// in tokens; 0 when the source does not say.
	Window    int
	MaxOutput int
	// From and Until are the first and last day (UTC) of the price; zero means
	// that it is not bounded.
	From, Until time.Time
	// Source is where the price was read and Checked the day. Confirmed says
	// that the vendor or two independent sources gave it.
	Source    string
	Checked   time.Time
	Confirmed bool
	Note      string
}

// Cost is the price of a call, rounded up to the next millionth of a dollar.
func (p Price) Cost(u desk.Usage) desk.MicroUSD {
	rate := p.rate(u.Prompt)
	cached := max(0, min(u.Cached, u.Prompt))
	return roundUp(int64(u.Prompt-cached)*int64(rate.Input) +
		int64(cached)*int64(rate.Cached) +
		int64(u.Completion)*int64(rate.Output))
}

// Worst bounds from above what a call with at most these tokens can cost:
// nothing is cached and the completion is as long as it may be.
func (p Price) Worst(promptTokens, maxTokens int) desk.MicroUSD {
	return p.Cost(desk.Usage{Prompt: promptTokens, Completion: maxTokens})
}

// rate is the rate of a request by the length of its prompt.
func (p Price) rate(promptTokens int) Rate {
	rate := p.Rate
	for _, t := range p.Tiers {
		if promptTokens > t.Above {
			rate = t.Rate
		}
	}
	return rate
}

func roundUp(n int64) desk.MicroUSD {
	return desk.MicroUSD((n + perMillion - 1) / perMillion)
}
