package telemetry

import (
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// other stands for every label value outside its closed set.
const other = "other"

// Buckets in seconds unless named otherwise. Thresholds of objectives are not
// whole numbers: scraped as OpenMetrics, a bound of 5 becomes le="5.0", and a
// query for le="5" finds nothing.
var (
	latencyBuckets   = [...]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80}
	firstBuckets     = [...]float64{.05, .1, .25, .5, .75, 1, 1.5, 2.5, 5, 10, 30, 60, 120}
	nextBuckets      = [...]float64{.005, .01, .025, .05, .1, .15, .25, .5, 1, 2.5}
	operationBuckets = [...]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}
	ratioBuckets     = [...]float64{.1, .2, .3, .4, .5, .6, .7, .8, .9, 1} // scores, not seconds
)

// The closed sets of label values.
var (
	answerOutcomes = [...]desk.Outcome{desk.Answered, desk.Abstained, desk.Degraded, desk.Waiting, desk.ErrOutcome}
	langs          = [...]desk.Lang{desk.English, desk.Chinese}
	routeKinds     = [...]desk.RouteKind{desk.Simple, desk.Complex, desk.Agent}
	purposes       = [...]desk.Purpose{desk.PurposeAnswer, desk.PurposeEmbed, desk.PurposeRewrite, desk.PurposeCompress}
	handoffReasons = [...]desk.HandoffReason{desk.HandoffNoAnswer, desk.HandoffRequested, desk.HandoffTool, desk.HandoffUnknown, desk.HandoffUnverified, desk.HandoffGuarded}
	answerSources  = [...]string{desk.TierMemory, desk.TierRedis, desk.TierSemantic, "generated"}
	limitScopes    = [...]string{"key", "user", "address", "visitor", "sign_in"}
	streamAborts   = [...]string{"client_gone", "slow_reader", "provider", "timed_out", "budget", "internal"}
	turnedAway     = [...]string{"overload", "tenant", "batch", "late"}
	cacheTiers     = [...]string{desk.TierMemory, desk.TierRedis, desk.TierSemantic}
	nearestResults = [...]string{"hit", "far", "vetoed", "stale"}
	cacheResults   = [...]string{"hit", "miss", "bypass", "error"}
	renewTriggers  = [...]string{"age", "release"}
	renewResults   = [...]string{"renewed", "kept", "budget", "failed"}
	searchStages   = [...]string{"embed", "search", "pack"}
	compressions   = [...]string{"extractive", "model"}
	lostVectors    = [...]string{"embedder", "vectors"}
	breakerStates  = [...]string{closed, "half_open", "open"} // from good to bad
	tokenTypes     = [...]string{"prompt", "completion", "cached_prompt", "cache_write", "reasoning"}
	sinks          = [...]string{"answers", "cache", "handoff", "turns", other}
	dependencies   = [...]string{"database", "redis", "knowledge", "models"}
)

// metrics are the series, resolved once: an observation looks a label up in a
// map that never changes. What happens rarely goes through the vectors.
type metrics struct {
	models    map[string]*modelMetrics
	first     map[string]prometheus.Observer // delta of a stream, by model
	next      map[string]prometheus.Observer
	providers map[string]*providerMetrics
	retries   *prometheus.CounterVec
	fallbacks *prometheus.CounterVec

	answers       map[answerKey]prometheus.Counter
	answerSeconds map[string]prometheus.Observer
	handoffs      map[desk.HandoffReason]prometheus.Counter
	guarded       *prometheus.CounterVec
	masked        map[maskedKey]prometheus.Counter
	feedback      *prometheus.CounterVec

	cacheRequests map[cacheKey]prometheus.Counter
	cacheSeconds  map[string]prometheus.Observer
	cacheSaved    map[string]prometheus.Counter
	cacheNearest  map[string]prometheus.Observer
	renewed       *prometheus.CounterVec

	budgets map[budgetKey]prometheus.Counter
	refused map[string]prometheus.Counter
	waited  prometheus.Observer

	routes          map[desk.RouteKind]prometheus.Counter
	routeSeconds    prometheus.Observer
	routeConfidence prometheus.Observer

	retrievalSeconds map[string]prometheus.Observer
	topScore         prometheus.Observer
	compressed       map[string]prometheus.Counter
	empty            prometheus.Counter
	byWords          map[string]prometheus.Counter

	tools *toolMetrics
	http  *httpMetrics

	kb           *knowledgeMetrics
	drops        *drops
	dependencyUp *prometheus.GaugeVec
}

type (
	answerKey struct {
		outcome desk.Outcome
		lang    desk.Lang
	}
	cacheKey struct{ tier, result string }
)

// newMetrics registers everything. A name registered twice is a mistake in
// this package and panics.
func newMetrics(registry *prometheus.Registry, cfg Config) *metrics {
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	f := factory{promauto.With(registry)}
	m := &metrics{http: newHTTPMetrics(f), tools: newToolMetrics(f, cfg.Tools), kb: newKnowledgeMetrics(f), drops: newDrops()}
	registry.MustRegister(m.drops)
	m.describe(f, cfg)
	m.calls(f, cfg.Models)
	m.outcomes(f)
	m.verdicts(f, cfg)
	m.stages(f)
	return m
}

func (m *metrics) describe(f factory, cfg Config) {
	build := f.gauges("kefu_build_info", "Always 1; the labels say which program runs.", "version", "revision", "goversion")
	build.WithLabelValues(cfg.Build.Version, cfg.Build.Revision, runtime.Version()).Set(1)
	info := f.gauges("llm_model_info", "Always 1; the configured models.", "model", "provider", "tier")
	for _, model := range cfg.Models {
		info.WithLabelValues(model.Name, model.Provider, string(model.Tier)).Set(1)
	}
	checked := f.gauges("llm_price_checked_timestamp_seconds", "When the price table was last compared with the vendors' pages.")
	if !cfg.PricesChecked.IsZero() {
		checked.WithLabelValues().Set(float64(cfg.PricesChecked.Unix()))
	}
	m.dependencyUp = f.gauges("kefu_dependency_up", "1 while the dependency answers, 0 while it does not; absent while it is not used.", "dependency")
}

func (m *metrics) outcomes(f factory) {
	answers := f.counters("kefu_answers_total", "Questions by how they ended.", "outcome", "lang")
	m.answers = map[answerKey]prometheus.Counter{}
	for _, o := range answerOutcomes {
		for _, l := range langs {
			m.answers[answerKey{o, l}] = answers.WithLabelValues(string(o), string(l))
		}
	}
	seconds := f.histograms("kefu_answer_seconds", "Time from the question to the whole answer.", latencyBuckets[:], "source")
	m.answerSeconds = observers(seconds, answerSources[:])
	handoffs := f.counters("kefu_handoffs_total", "Answers that offered a person.", "reason")
	m.handoffs = map[desk.HandoffReason]prometheus.Counter{}
	for _, r := range handoffReasons {
		m.handoffs[r] = handoffs.WithLabelValues(string(r))
	}
	m.feedback = f.counters("kefu_feedback_total", "What users said of answers, also where they changed their mind.", "rating", "reason")
	m.feedback.WithLabelValues(string(desk.RatedUp), noReason)
	for _, r := range append(desk.FeedbackReasons[:], noReason) {
		m.feedback.WithLabelValues(string(desk.RatedDown), string(r))
	}
}

func (m *metrics) verdicts(f factory, cfg Config) {
	m.guarded = f.counters("kefu_guard_verdicts_total", "Verdicts on questions and on sources that answers rest on, and answers held back.", "stage", "rule", "verdict")
	m.guarded.WithLabelValues("question", noRule, string(desk.Allow))
	for _, rule := range cfg.QuestionRules {
		m.guarded.WithLabelValues("question", rule, string(desk.Care))
		m.guarded.WithLabelValues("question", rule, string(desk.Refuse))
		m.guarded.WithLabelValues("source", rule, string(desk.Care))
	}
	for _, rule := range cfg.AnswerRules {
		m.guarded.WithLabelValues("answer", rule, string(desk.Refuse))
	}
	m.masked = detections(f, cfg.PersonalTypes)
}

// noReason is the reason of feedback that gives none.
const noReason = "none"

// noRule is the rule of a verdict that lets a text pass.
const noRule = "none"

func (m *metrics) stages(f factory) {
	requests := f.counters("kefu_cache_requests_total", "Look-ups in the answer cache.", "tier", "result")
	m.cacheRequests = map[cacheKey]prometheus.Counter{}
	for _, tier := range cacheTiers {
		for _, result := range cacheResults {
			m.cacheRequests[cacheKey{tier, result}] = requests.WithLabelValues(tier, result)
		}
	}
	seconds := f.histograms("kefu_cache_operation_seconds", "Time of one cache operation.", operationBuckets[:], "tier", "op")
	m.cacheSeconds = map[string]prometheus.Observer{}
	for _, tier := range cacheTiers {
		m.cacheSeconds[tier] = seconds.WithLabelValues(tier, "get")
	}
	m.cacheSaved = counters(f.counters("kefu_cache_saved_usd_total", "What the cached answers cost when they were composed.", "tier"), cacheTiers[:])

	similarity := f.histograms("kefu_cache_similarity", "Similarity, from 0 to 1, of the question nearest to one that the exact tiers had no answer to: it answered (hit), was not similar enough (far), is similar but another question (vetoed), or its answer no longer holds (stale).", ratioBuckets[:], "result")
	m.cacheNearest = map[string]prometheus.Observer{}
	for _, result := range nearestResults {
		m.cacheNearest[result] = similarity.WithLabelValues(result)
	}

	m.renewed = f.counters("kefu_answers_renewed_total", "Answers to be composed before they are asked again, because their life in the cache ends or a release made them invalid, and what became of it.", "trigger", "result")
	for _, trigger := range renewTriggers {
		for _, result := range renewResults {
			m.renewed.WithLabelValues(trigger, result)
		}
	}

	m.refused = counters(f.counters("kefu_admission_refused_total", "Questions refused because there was too much to do.", "reason"), turnedAway[:])
	m.waited = f.histograms("kefu_admission_wait_seconds", "Time that a question waited for a place, of those that had to and got one.", latencyBuckets[:]).WithLabelValues()
	m.budgets = budgetActions(f)

	decisions := f.counters("kefu_router_decisions_total", "Routing decisions.", "route", "method")
	m.routes = map[desk.RouteKind]prometheus.Counter{}
	for _, kind := range routeKinds {
		m.routes[kind] = decisions.WithLabelValues(string(kind), "rules")
	}
	m.routeSeconds = f.histograms("kefu_router_seconds", "Time of one routing decision.", operationBuckets[:]).WithLabelValues()
	m.routeConfidence = f.histograms("kefu_router_confidence", "Confidence of the routing decisions.", ratioBuckets[:]).WithLabelValues()

	m.retrievalSeconds = observers(f.histograms("kefu_retrieval_seconds", "Time of one stage of retrieval.", operationBuckets[:], "stage"), searchStages[:])
	m.topScore = f.histograms("kefu_retrieval_top_score", "Score of the best passage of a search.", ratioBuckets[:]).WithLabelValues()
	m.compressed = counters(f.counters("kefu_prompt_saved_tokens_total", "Tokens of sources that prompts were spared, by how what matters was found.", "by"), compressions[:])
	m.empty = f.counters("kefu_retrieval_empty_total", "Searches that found no passage to answer from.", "reason").WithLabelValues("no_passage")
	m.byWords = counters(f.counters("kefu_retrieval_by_words_total", "Searches by words alone: the embedder, or what searches vectors, did not answer.", "lost"), lostVectors[:])
}

// factory registers vectors with the house's settings.
type factory struct{ promauto.Factory }

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

// histograms are classic and native at once; the scraper chooses.
func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return f.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: slices.Clone(buckets),
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels)
}

func counters(v *prometheus.CounterVec, values []string) map[string]prometheus.Counter {
	m := map[string]prometheus.Counter{other: v.WithLabelValues(other)}
	for _, value := range values {
		m[value] = v.WithLabelValues(value)
	}
	return m
}

func observers(v *prometheus.HistogramVec, values []string) map[string]prometheus.Observer {
	m := map[string]prometheus.Observer{other: v.WithLabelValues(other)}
	for _, value := range values {
		m[value] = v.WithLabelValues(value)
	}
	return m
}

// modelMetrics are the series of one model.
type modelMetrics struct {
	success, failure prometheus.Counter
	latency          prometheus.Observer
	tokens           [len(tokenTypes)]prometheus.Counter
	cost             map[desk.Purpose]prometheus.Counter
	unpriced         prometheus.Counter
	hedges           prometheus.Counter
}

// providerMetrics are the series of one provider.
type providerMetrics struct {
	outcomes map[string]prometheus.Counter // by failure kind, "success" for none
	breakers breakers
}

// Label values that the code names.
const (
	success = "success"
	closed  = "closed"
)

func (m *metrics) calls(f factory, models []Model) {
	requests := f.counters("llm_requests_total", "Calls to language models, retries included.", "model", "status")
	latency := f.histograms("llm_latency_seconds", "Time of one call to a language model.", latencyBuckets[:], "model")
	first := f.histograms("llm_time_to_first_token_seconds", "Time from a call to its first delta.", firstBuckets[:], "model")
	next := f.histograms("llm_inter_token_seconds", "Time between two deltas of a stream as they arrive from the provider. A delta holds one token or a few.", nextBuckets[:], "model")
	tokens := f.counters("llm_tokens_total", "Tokens as the vendors count them. cached_prompt and cache_write are part of prompt, reasoning is part of completion.", "model", "type")
	cost := f.counters("llm_cost_usd_total", "What the calls cost, in US dollars.", "model", "purpose")
	unpriced := f.counters("llm_unpriced_requests_total", "Calls to models without a known price, whose cost is missing from llm_cost_usd_total.", "model")
	hedges := f.counters("llm_hedges_total", "Calls made a second time because the first was slow.", "model")

	var streaming []string // models that write; embeddings arrive whole
	for _, model := range models {
		if model.Tier != "" {
			streaming = append(streaming, model.Name)
		}
	}
	m.first, m.next = observers(first, streaming), observers(next, streaming)
	m.models = map[string]*modelMetrics{}
	providers := []string{other}
	for _, model := range append(slices.Clone(models), Model{Name: other}) {
		mm := &modelMetrics{
			success:  requests.WithLabelValues(model.Name, success),
			failure:  requests.WithLabelValues(model.Name, "error"),
			latency:  latency.WithLabelValues(model.Name),
			cost:     map[desk.Purpose]prometheus.Counter{},
			unpriced: unpriced.WithLabelValues(model.Name),
			hedges:   hedges.WithLabelValues(model.Name),
		}
		for i, typ := range tokenTypes {
			mm.tokens[i] = tokens.WithLabelValues(model.Name, typ)
		}
		for _, p := range purposes {
			mm.cost[p] = cost.WithLabelValues(model.Name, string(p))
		}
		m.models[model.Name] = mm
		if model.Provider != "" && !slices.Contains(providers, model.Provider) {
			providers = append(providers, model.Provider)
		}
	}
	m.resilience(f, providers)
}

func (m *metrics) resilience(f factory, providers []string) {
	attempts := f.counters("llm_attempts_total", "Calls by provider and how they ended.", "provider", "outcome")
	m.retries = f.counters("llm_retries_total", "Calls repeated, by what failed before.", "provider", "reason")
	m.fallbacks = f.counters("llm_fallbacks_total", "Changes to another model, by what failed before.", "from", "to", "reason")
	states := f.gauges("llm_breaker_state", "1 for the worst state that a breaker of the provider is in.", "provider", "state")
	transitions := f.counters("llm_breaker_transitions_total", "Changes of the breakers' states.", "provider", "to")

	m.providers = map[string]*providerMetrics{}
	for _, p := range providers {
		pm := &providerMetrics{
			outcomes: map[string]prometheus.Counter{success: attempts.WithLabelValues(p, success)},
			breakers: breakers{
				gauges: map[string]prometheus.Gauge{}, transitions: map[string]prometheus.Counter{}, states: map[deployed]string{},
			},
		}
		for _, kind := range llm.FailureKinds {
			pm.outcomes[string(kind)] = attempts.WithLabelValues(p, string(kind))
			m.retries.WithLabelValues(p, string(kind))
		}
		m.providers[p] = pm
		if p == other {
			continue // has no breaker
		}
		for _, s := range breakerStates {
			pm.breakers.gauges[s] = states.WithLabelValues(p, s)
			pm.breakers.transitions[s] = transitions.WithLabelValues(p, s)
		}
		pm.breakers.gauges[closed].Set(1)
	}
}

// pick is the value of key, that of fallback when there is none.
func pick[K comparable, V any](m map[K]V, key, fallback K) V {
	if v, ok := m[key]; ok {
		return v
	}
	return m[fallback]
}
