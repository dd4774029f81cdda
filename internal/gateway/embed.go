package gateway

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
	"kefu/internal/llm/token"
)

// Limits of one embeddings call. It stands between a customer and the search,
// so that waits are short; the search can also do without it.
const (
	embedTimeout = 10 * time.Second
	embedBackoff = 250 * time.Millisecond
	embedMaxWait = time.Second
)

// MeterEmbedder puts next behind a timeout (10 s, or what the answer has left),
// the allowance and the observer, and repeats a call once when the failure says
// that it may then succeed. Each call is one attempt, however many requests
// next makes of it. The price is that of the model before the "@" in
// next.Model().
func MeterEmbedder(next llm.Embedder, provider string, prices *price.Table, obs Observer) llm.Embedder {
	model, _, _ := strings.Cut(next.Model(), "@")
	return &meteredEmbedder{Embedder: next, provider: provider, model: model, prices: prices, obs: obs}
}

type meteredEmbedder struct {
	llm.Embedder
	provider, model string
	prices          *price.Table
	obs             Observer
}

func (m *meteredEmbedder) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	out, err := m.attempt(ctx, c)
	if err == nil || !slices.Contains(decide(err), sameTarget) || c.Allowance.Left() == 0 {
		return out, err
	}
	wait := rand.N(embedBackoff)
	if asked := retryAfter(err); asked > 0 {
		wait += asked
	}
	if wait > embedMaxWait || !fits(wait, c.Allowance.Deadline(), 0) || !sleep(ctx, wait) {
		return out, err
	}
	m.obs.Retry(m.provider, llm.KindOf(err))
	return m.attempt(ctx, c)
}

func (m *meteredEmbedder) attempt(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	characters, bytes := 0, 0
	for _, t := range c.Texts {
		characters += utf8.RuneCountInString(string(t))
		bytes += len(t) // no token is shorter than a byte
	}
	in := llm.Intent{Provider: m.provider, Model: m.model, Purpose: desk.PurposeEmbed, PromptLength: characters}
	var p price.Price
	if p, in.Priced = m.prices.Lookup(m.model); in.Priced {
		in.Worst = p.Worst(bytes, 0)
	}
	at, err := c.Allowance.Begin(ctx, in)
	if err != nil {
		return llm.Embeddings{}, err
	}
	ctx, observed := m.obs.Attempt(ctx, m.provider, m.model, desk.PurposeEmbed)
	out, err := m.call(ctx, c)
	usage := out.Usage
	if err == nil && usage.Total() == 0 || err != nil && mayBeOwed(err) {
		usage = m.count(c.Texts)
	}
	observed(at.End(usage, p.Cost(usage), 0, err))
	return out, err
}

// call bounds one call of the embedder in time.
func (m *meteredEmbedder) call(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := after(embedTimeout, c.Allowance.Deadline(), 0, cancel)
	defer timer.Stop()
	out, err := m.Embedder.Embed(ctx, c)
	if err != nil {
		err = overdue(ctx, m.provider, m.model, err)
	}
	return out, err
}

func (m *meteredEmbedder) count(texts []desk.Masked) desk.Usage {
	usage := desk.Usage{Estimated: true}
	for _, t := range texts {
		usage.Prompt += token.Count(m.model, string(t))
	}
	return usage
}
