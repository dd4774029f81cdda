package telemetry

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"kefu/internal/desk"
)

// Answered records one answered question.
func (t *Telemetry) Answered(of desk.TenantID, a desk.Answer) {
	m := t.metrics
	c, ok := m.answers[answerKey{a.Outcome, a.Lang}]
	if !ok {
		c = m.answers[answerKey{desk.ErrOutcome, desk.English}]
	}
	c.Inc()
	source := a.CacheTier
	if source == "" {
		source = "generated"
	}
	pick(m.answerSeconds, source, other).Observe(a.Latency.Seconds())
	if t.feed.heard() {
		t.tellAnswer(of, a)
	}
}

// Routed records one routing decision.
func (t *Telemetry) Routed(r desk.Route, took time.Duration) {
	m := t.metrics
	if c, ok := m.routes[r.Kind]; ok {
		c.Inc()
	}
	m.routeSeconds.Observe(took.Seconds())
	m.routeConfidence.Observe(r.Confidence)
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsRoute, Route: r.Kind, Reason: r.Reason, LatencyMS: ms(took)})
	}
}

// CacheLookup records one look-up in a tier of the cache; result is hit, miss,
// bypass or error.
func (t *Telemetry) CacheLookup(tier, result string, took time.Duration) {
	if c, ok := t.metrics.cacheRequests[cacheKey{tier, result}]; ok {
		c.Inc()
		if result != "bypass" {
			t.metrics.cacheSeconds[tier].Observe(took.Seconds())
		}
	}
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsCache, Tier: tier, Outcome: result, LatencyMS: ms(took)})
	}
}

// CacheSaved records what a cached answer cost when it was composed.
func (t *Telemetry) CacheSaved(tier string, cost desk.MicroUSD) {
	pick(t.metrics.cacheSaved, tier, other).Add(cost.USD())
}

// CacheNearest records how similar the nearest question with an answer in memory
// is, and what became of it.
func (t *Telemetry) CacheNearest(result string, similarity float64) {
	if o, ok := t.metrics.cacheNearest[result]; ok {
		o.Observe(similarity)
	}
}

// Renewed records what became of an answer that was to be composed ahead.
func (t *Telemetry) Renewed(trigger, result string) {
	if !slices.Contains(renewTriggers[:], trigger) || !slices.Contains(renewResults[:], result) {
		trigger, result = other, other
	}
	t.metrics.renewed.WithLabelValues(trigger, result).Inc()
}

// Refused records a question that was refused because there was too much to do.
func (t *Telemetry) Refused(reason string) {
	pick(t.metrics.refused, reason, other).Inc()
	t.tellRefused(reason)
}

func (t *Telemetry) tellRefused(reason string) {
	if t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsRefused, Reason: reason})
	}
}

// Waited records how long a question waited for a place.
func (t *Telemetry) Waited(took time.Duration) { t.metrics.waited.Observe(took.Seconds()) }

// Retrieved records one stage of a search: embed, search or pack.
func (t *Telemetry) Retrieved(stage string, took time.Duration) {
	pick(t.metrics.retrievalSeconds, stage, other).Observe(took.Seconds())
}

// RetrievedTop records the score of a search's best passage, or that there was
// none.
func (t *Telemetry) RetrievedTop(score float64, empty bool) {
	if empty {
		t.metrics.empty.Inc()
		return
	}
	t.metrics.topScore.Observe(score)
}

// ByWords records that passages were found by words alone, without the embedder
// or without vectors. Who left does not count.
func (t *Telemetry) ByWords(ctx context.Context, lost string, err error) {
	if ctx.Err() != nil {
		return
	}
	pick(t.metrics.byWords, lost, other).Inc()
	t.log.WarnContext(ctx, "passages found by words alone", "lost", lost, "error", err)
}

// Compressed records the tokens that a prompt was spared.
func (t *Telemetry) Compressed(by string, saved int) {
	pick(t.metrics.compressed, by, other).Add(float64(saved))
}

// HandedOff records that a person was offered.
func (t *Telemetry) HandedOff(reason desk.HandoffReason) {
	if c, ok := t.metrics.handoffs[reason]; ok {
		c.Inc()
	}
}

// Rated records what a user said of an answer; both values must be of the
// closed sets.
func (t *Telemetry) Rated(rating desk.Rating, reason desk.FeedbackReason) {
	t.metrics.feedback.WithLabelValues(string(rating), cmp.Or(string(reason), noReason)).Inc()
}

// TurnLost records that a conversation could not be read or added to.
func (t *Telemetry) TurnLost(ctx context.Context, err error) {
	t.Dropped("turns")
	t.log.WarnContext(ctx, "conversation not read or kept", "error", err)
}

// Guarded records a verdict. Its rule is of a closed set; none where nothing
// was suspected.
func (t *Telemetry) Guarded(v desk.Verdict) {
	t.metrics.guarded.WithLabelValues(v.Stage, cmp.Or(v.Rule, noRule), string(v.Action)).Inc()
	if v.Action != desk.Allow && t.feed.heard() {
		t.feed.tell(desk.OpsEvent{Kind: desk.OpsGuard, Name: v.Stage, Outcome: string(v.Action), Reason: v.Rule})
	}
}

// Dropped records that something did not reach where it is kept: answers,
// cache or handoff.
func (t *Telemetry) Dropped(sink string) { pick(t.metrics.drops.observed, sink, other).Add(1) }

// Checks are the things Kefu depends on, by name: database, redis, knowledge
// or models. A check returns nil when the dependency answers.
type Checks map[string]func(context.Context) error

// Watch keeps kefu_dependency_up current until ctx ends: it runs all checks at
// once now and then every interval, each within half of it.
func (t *Telemetry) Watch(ctx context.Context, interval time.Duration, checks Checks) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		t.check(ctx, interval/2, checks)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (t *Telemetry) check(ctx context.Context, limit time.Duration, checks Checks) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var wg sync.WaitGroup
	for name, check := range checks {
		wg.Go(func() {
			up, state := 1.0, "up"
			if check(ctx) != nil {
				up, state = 0, "down"
			}
			t.metrics.dependencyUp.WithLabelValues(dependency(name)).Set(up)
			t.feed.settle(desk.OpsEvent{Kind: desk.OpsDependency, Name: dependency(name), State: state})
		})
	}
	wg.Wait()
}

func dependency(name string) string {
	for _, d := range dependencies {
		if d == name {
			return d
		}
	}
	return other
}
