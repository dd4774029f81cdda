package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"kefu/internal/answer"
	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/gateway"
	"kefu/internal/llm"
	"kefu/internal/llm/anthropic"
	"kefu/internal/llm/gemini"
	"kefu/internal/llm/offline"
	"kefu/internal/llm/openai"
	"kefu/internal/llm/price"
	"kefu/internal/llm/wire"
	"kefu/internal/telemetry"
)

// models are the configured language models, and always the offline one where
// nothing else was chosen.
type models struct {
	cfg     config.Models
	targets config.Targets
	prices  *price.Table
	http    *http.Client
}

func newModels(cfg config.Config) (models, error) {
	targets, err := cfg.Targets()
	if err != nil {
		return models{}, err
	}
	prices, err := loadPrices(cfg.PricesFile)
	// Where more calls end at a time than connections are kept, some are closed that
	// the next calls have to open again.
	kept := cmp.Or(cfg.Models.Connections, max(wire.Kept, cfg.Admission.Concurrency))
	return models{cfg: cfg.Models, targets: targets, prices: prices, http: wire.NewPool(kept, cfg.Models.ConnectionIdle)}, err
}

// inUse lists the models of both chains and the embedder's, without the
// offline ones. A model of both chains has the tier that asks it sooner.
func (m models) inUse() []telemetry.Model {
	var all []telemetry.Model
	add := func(chain []config.Target, i int, tier llm.Tier) {
		if i >= len(chain) || chain[i].Protocol == config.Offline {
			return
		}
		t := chain[i]
		if !slices.ContainsFunc(all, func(u telemetry.Model) bool { return u.Name == t.Model && u.Provider == t.Provider }) {
			all = append(all, telemetry.Model{Name: t.Model, Provider: t.Provider, Tier: tier})
		}
	}
	for i := range max(len(m.targets.Simple), len(m.targets.Complex)) {
		add(m.targets.Simple, i, llm.Cheap)
		add(m.targets.Complex, i, llm.Strong)
	}
	add([]config.Target{m.targets.Embedding}, 0, "")
	return all
}

// names are all models that calls may be counted under.
func (m models) names() []telemetry.Model {
	return append([]telemetry.Model{
		{Name: offline.ModelID, Provider: config.Offline},
		{Name: offline.EmbedderModel, Provider: config.Offline},
	}, m.inUse()...)
}

// summary names the models for people: those that are asked first.
func (m models) summary() string {
	simple, involved := m.targets.Simple[0], m.targets.Complex[0]
	switch {
	case simple.Name != involved.Name:
		return simple.Name + " and " + involved.Name
	case simple.Protocol == config.Offline:
		return "the offline model"
	}
	return simple.Name
}

// language tells whether a language model is asked, and not the offline one
// alone.
func (m models) language() bool {
	return slices.ContainsFunc(m.targets.Complex, func(t config.Target) bool { return t.Protocol != config.Offline })
}

// endOffline tells whether both chains hold the offline model.
func (m models) endOffline() bool {
	offline := func(t config.Target) bool { return t.Protocol == config.Offline }
	return slices.ContainsFunc(m.targets.Simple, offline) && slices.ContainsFunc(m.targets.Complex, offline)
}

// compression is how passages are shortened: as configured, or not at all where
// nobody but the offline model reads them, which reads all of them.
func (m models) compression(how string) string {
	if !m.language() {
		return answer.CompressOff
	}
	return how
}

// fingerprint changes with all that may change an answer: answers of others
// are not reused. Keys and time limits may not.
func (m models) fingerprint() string {
	var b strings.Builder
	for _, chain := range [][]config.Target{m.targets.Simple, m.targets.Complex, {m.targets.Embedding}} {
		for _, t := range chain {
			fmt.Fprintf(&b, "%q %q %q %v", t.Protocol, t.Provider, t.Model, t.Private)
			for _, e := range t.Endpoints {
				fmt.Fprintf(&b, " %q", e.BaseURL)
			}
			b.WriteString(",")
		}
		b.WriteString("|")
	}
	fmt.Fprint(&b, offline.ModelID, m.cfg.MaxTokens)
	return b.String()
}

// gateway chains the models of each tier. The offline one answers when nothing
// else does, or when nothing else is configured. Without completions (nil) no
// reply is kept.
func (m models) gateway(obs gateway.Observer, completions gateway.Completions) *gateway.Gateway {
	settings := m.settings()
	settings.Completions = completions
	return gateway.New(
		settings,
		map[llm.Tier][]gateway.Target{llm.Cheap: m.chain(m.targets.Simple), llm.Strong: m.chain(m.targets.Complex)},
		obs,
	)
}

// settings are those that all models share.
func (m models) settings() gateway.Config {
	c := gateway.Config{
		Prices:   m.prices,
		Timeouts: gateway.Timeouts{Attempt: m.cfg.Timeout, FirstDelta: min(m.cfg.FirstDelta, m.cfg.Timeout), Idle: m.cfg.Idle},
		Breaker:  gateway.BreakerConfig{Faults: m.cfg.BreakerFaults, CoolDown: m.cfg.BreakerCoolDown},
		Retries:  m.cfg.Retries, Backoff: m.cfg.Backoff, Factor: m.cfg.BackoffFactor, MaxBackoff: m.cfg.MaxBackoff, LimitWait: m.cfg.LimitWait, HedgeShare: m.cfg.HedgeShare,
	}
	if c.Retries == 0 {
		c.Retries = -1 // 0 would be the default
	}
	return c
}

func (m models) chain(targets []config.Target) []gateway.Target {
	var chain []gateway.Target
	for _, t := range targets {
		if t.Protocol == config.Offline {
			chain = append(chain, gateway.Target{
				Provider: config.Offline, Model: offline.ModelID, Deployments: []gateway.Deployment{{Adapter: offline.New()}}, LastResort: true,
			})
			continue
		}
		target := gateway.Target{Provider: t.Provider, Model: t.Model, Name: t.Name, MaxTokens: m.cfg.MaxTokens, Timeout: t.Timeout, Private: t.Private}
		for _, e := range t.Endpoints {
			target.Deployments = append(target.Deployments, gateway.Deployment{
				Adapter: m.adapter(t, e), Endpoint: e.BaseURL, Weight: e.Weight, Limits: gateway.Limits{Requests: e.RPM, Tokens: e.TPM},
			})
		}
		chain = append(chain, target)
	}
	return chain
}

// adapter speaks the target's protocol. All adapters share one HTTP client,
// which counts connections by host.
func (m models) adapter(t config.Target, e config.Endpoint) llm.Provider {
	switch t.Protocol {
	case config.Anthropic:
		return anthropic.New(anthropic.Config{Name: t.Provider, BaseURL: e.BaseURL, Key: e.Key.Value(), HTTP: m.http})
	case config.Gemini:
		return gemini.New(gemini.Config{Name: t.Provider, BaseURL: e.BaseURL, Key: e.Key.Value(), HTTP: m.http})
	}
	return openai.New(m.openai(t, e))
}

func (m models) openai(t config.Target, e config.Endpoint) openai.Config {
	return openai.Config{Name: t.Provider, BaseURL: e.BaseURL, Key: e.Key.Value(), HTTP: m.http}
}

// embedder is the provider's where one embeds, else the offline one.
func (m models) embedder(obs gateway.Observer) llm.Embedder {
	t := m.targets.Embedding
	if t.Protocol == config.Offline {
		return offline.NewEmbedder()
	}
	e := t.Endpoints[0]
	return gateway.NewEmbedder(
		openai.NewEmbedder(openai.EmbedderConfig{Config: m.openai(t, e), Model: t.Model, Dimensions: m.cfg.EmbeddingDimensions}),
		gateway.EmbedTarget{Provider: t.Provider, Timeout: t.Timeout, Limits: gateway.Limits{Requests: e.RPM, Tokens: e.TPM}},
		m.settings(), obs,
	)
}

// embedsInHouse tells whether the embedder shows nothing to a third party.
func (m models) embedsInHouse() bool {
	t := m.targets.Embedding
	return t.Protocol == config.Offline || t.Private
}

// warn says what makes the reported costs doubtful.
func (m models) warn(log *slog.Logger, now time.Time) {
	for _, err := range m.doubts(now) {
		log.Warn("prices", "error", err.Public)
	}
}

// doubts are the models without a price and the age of the table.
func (m models) doubts(now time.Time) []*desk.Error {
	var doubts []*desk.Error
	for _, used := range m.inUse() {
		if _, ok := m.prices.Lookup(used.Name); !ok {
			doubts = append(doubts, &desk.Error{
				Kind: desk.Internal, Code: "price_unknown",
				Public: used.Name + " has no known price: its cost is reported as unknown. Add it to a file and name that in KEFU_PRICES_FILE; 'kefu prices --help' shows one",
			})
		}
	}
	if m.prices.Stale(now) {
		doubts = append(doubts, &desk.Error{
			Kind: desk.Internal, Code: "prices_stale",
			Public: fmt.Sprintf("the prices were checked on %s, more than %.0f days ago; check them and name a file with a newer day in KEFU_PRICES_FILE",
				m.prices.Checked().Format(time.DateOnly), price.MaxAge.Hours()/24),
		})
	}
	return doubts
}
