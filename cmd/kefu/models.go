package main

import (
	"net/http"
	"strings"

	"kefu/internal/config"
	"kefu/internal/gateway"
	"kefu/internal/llm"
	"kefu/internal/llm/offline"
	"kefu/internal/llm/openai"
	"kefu/internal/llm/price"
	"kefu/internal/llm/wire"
	"kefu/internal/telemetry"
)

// models are the configured language models: OpenAI-compatible ones where
// there is a key or an endpoint, and always the offline one as the last resort.
type models struct {
	cfg    config.Models
	prices *price.Table
	http   *http.Client
}

// providerConns bounds the connections to a provider: more calls than that at
// a time wait for one. Source: 256 concurrent misses wait 90 ms with 100.
const providerConns = 512

func newModels(cfg config.Config) (models, error) {
	prices, err := loadPrices(cfg.PricesFile)
	return models{cfg: cfg.Models, prices: prices, http: wire.NewHTTPClient(providerConns)}, err
}

// online reports whether a real provider is configured.
func (m models) online() bool { return m.cfg.OpenAIKey != "" || m.cfg.OpenAIBaseURL != "" }

const (
	openaiName  = "openai"
	offlineName = "offline"
)

func (m models) names() []telemetry.Model {
	names := []telemetry.Model{
		{Name: offline.ModelID, Provider: offlineName},
		{Name: offline.EmbedderModel, Provider: offlineName},
	}
	if m.online() {
		names = append(names,
			telemetry.Model{Name: m.cfg.Cheap, Provider: openaiName, Tier: llm.Cheap},
			telemetry.Model{Name: m.cfg.Strong, Provider: openaiName, Tier: llm.Strong},
			telemetry.Model{Name: m.cfg.Embedding, Provider: openaiName})
	}
	return names
}

// summary names the models for people.
func (m models) summary() string {
	if !m.online() {
		return "the offline model"
	}
	return m.cfg.Cheap + " and " + m.cfg.Strong
}

// fingerprint changes with the models: answers of others are not reused.
func (m models) fingerprint() string {
	if !m.online() {
		return offline.ModelID
	}
	return strings.Join([]string{m.cfg.OpenAIBaseURL, m.cfg.Cheap, m.cfg.Strong}, "|")
}

// gateway chains the models of each tier; the offline one answers when nothing
// else does, or when nothing else is configured.
func (m models) gateway(obs gateway.Observer) *gateway.Gateway {
	last := gateway.Target{Provider: offlineName, Model: offline.ModelID, Adapter: offline.New(), LastResort: true}
	chains := map[llm.Tier][]gateway.Target{llm.Cheap: {last}, llm.Strong: {last}}
	if m.online() {
		adapter := openai.New(m.openai())
		target := func(model string) gateway.Target {
			return gateway.Target{Provider: openaiName, Model: model, Adapter: adapter, MaxTokens: m.cfg.MaxTokens}
		}
		chains[llm.Cheap] = []gateway.Target{target(m.cfg.Cheap), target(m.cfg.Strong), last}
		chains[llm.Strong] = []gateway.Target{target(m.cfg.Strong), target(m.cfg.Cheap), last}
	}
	return gateway.New(gateway.Config{Prices: m.prices, Timeouts: gateway.Timeouts{Attempt: m.cfg.Timeout}}, chains, obs)
}

func (m models) openai() openai.Config {
	return openai.Config{Name: openaiName, BaseURL: m.cfg.OpenAIBaseURL, Key: m.cfg.OpenAIKey.Value(), HTTP: m.http}
}

// embedder is the provider's where there is one, else the offline one.
func (m models) embedder(obs gateway.Observer) llm.Embedder {
	if !m.online() {
		return offline.NewEmbedder()
	}
	return gateway.MeterEmbedder(openai.NewEmbedder(openai.EmbedderConfig{
		Config: m.openai(), Model: m.cfg.Embedding, Dimensions: m.cfg.EmbeddingDimensions,
	}), openaiName, m.prices, obs)
}
