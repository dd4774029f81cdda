package gateway

import (
	"cmp"
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

// Limits of one embeddings call. Waits are short, since a customer waits for the
// search, which can also do without the vector.
const (
	embedTimeout = 10 * time.Second
	embedBackoff = 250 * time.Millisecond
	embedMaxWait = time.Second
)

// EmbedTarget says how an embedder is asked.
type EmbedTarget struct {
	Provider string
	// Timeout bounds one call. Default Config.Timeouts.Attempt, but at most 10 s.
	Timeout time.Duration
	Limits  Limits
}

// NewEmbedder gives next what deployments of a target have: a timeout, metering,
// limits and a circuit breaker. A failed call is repeated once if decide allows
// it. Each call is one attempt, however many requests next makes of it. The price
// is that of the model named before the "@" in next.Model().
func NewEmbedder(next llm.Embedder, t EmbedTarget, config Config, obs Observer) llm.Embedder {
	config = config.withDefaults()
	model, _, _ := strings.Cut(next.Model(), "@")
	e := &embedder{
		Embedder: next, provider: t.Provider, model: model, prices: config.Prices, obs: obs,
		timeout: cmp.Or(t.Timeout, min(config.Timeouts.Attempt, embedTimeout)),
		limiter: newLimiter(t.Provider, model, t.Limits, config),
		cooled:  newCooled(nil, config.Breaker.CoolDown),
		retries: newShare(retryShare, retryFloor),
	}
	e.breaker = newBreaker(nil, Target{Provider: t.Provider, Model: model}, 1, config.Breaker, obs)
	return e
}

type embedder struct {
	llm.Embedder
	provider, model string
	prices          *price.Table
	obs             Observer
	timeout         time.Duration
	limiter         *limiter
	breaker         *breaker
	cooled          *cooled
	retries         *share
}

func (m *embedder) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	out, err := m.once(ctx, c)
	if !heldBack(err) {
		m.retries.called()
	}
	if err == nil || !slices.Contains(decide(err), sameTarget) || c.Allowance.Left() == 0 {
		return out, err
	}
	wait := rand.N(embedBackoff)
	if asked := retryAfter(err); asked > 0 {
		wait += asked
	}
	if wait > embedMaxWait || !fits(wait, c.Allowance.Deadline(), 0) || !m.retries.take() || !sleep(ctx, wait) {
		return out, err
	}
	again := desk.Decision{Step: desk.StepRetry, Provider: m.provider, From: m.model, To: m.model, Reason: string(llm.KindOf(err))}
	c.Allowance.Decided(again)
	m.obs.Decided(ctx, again)
	return m.once(ctx, c)
}

// once makes one call, if cool-down, breaker and limits let it pass.
func (m *embedder) once(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	if f := m.cooled.refusal(); f != nil {
		return llm.Embeddings{}, f
	}
	began, err := m.breaker.admit()
	if err != nil {
		return llm.Embeddings{}, err
	}
	out, err := m.within(ctx, c)
	m.breaker.record(began, err)
	if err != nil {
		m.cooled.learn(err)
	}
	return out, err
}

// within makes one call, once the limits allow it.
func (m *embedder) within(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	tokens := 0
	if m.limiter.tokens != nil {
		for _, t := range c.Texts {
			tokens += token.Estimate(string(t))
		}
	}
	taken, err := m.limiter.admit(ctx, c.Allowance.Deadline(), tokens)
	if err != nil {
		return llm.Embeddings{}, err
	}
	out, err := m.attempt(ctx, c)
	if used := out.Usage.Total(); used > 0 || err != nil && !mayBeOwed(err) {
		m.limiter.correct(taken, used)
	}
	return out, err
}

// attempt makes one call and settles it with the allowance.
func (m *embedder) attempt(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	characters, bytes := 0, 0
	for _, t := range c.Texts {
		characters += utf8.RuneCountInString(string(t))
		bytes += len(t) // no token is shorter than a byte
	}
	in := llm.Intent{Provider: m.provider, Model: m.model, Purpose: desk.PurposeEmbed, PromptLength: characters}
	in.Bound = desk.Usage{Prompt: bytes, Estimated: true}
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

// call makes one call within the timeout.
func (m *embedder) call(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := after(m.timeout, c.Allowance.Deadline(), 0, cancel)
	defer timer.Stop()
	out, err := m.Embedder.Embed(ctx, c)
	if err != nil {
		err = overdue(ctx, m.provider, m.model, err)
	}
	return out, err
}

// count is the usage of a call whose vendor reported none.
func (m *embedder) count(texts []desk.Masked) desk.Usage {
	usage := desk.Usage{Estimated: true}
	for _, t := range texts {
		usage.Prompt += token.Count(m.model, string(t))
	}
	return usage
}
