package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"time"
)

// The providers that models are reached by. OpenAI stands for everybody who
// offers its protocol; Offline is the embedded model, which needs nobody.
const (
	OpenAI    = "openai"
	Anthropic = "anthropic"
	Gemini    = "gemini"
	Offline   = "offline"
)

// Models says where language models are reached. A provider is switched on by
// its key, OpenAI by a base URL as well; with none, the offline model answers.
type Models struct {
	OpenAIKey           Secret        `key:"openai_api_key" env:"OPENAI_API_KEY" help:"key of OpenAI or of an endpoint like it; without any provider's key or base URL the embedded offline model answers"`
	OpenAIBaseURL       string        `key:"openai_base_url" env:"OPENAI_BASE_URL" help:"OpenAI-compatible endpoint, up to /v1; empty: OpenAI's own"`
	Cheap               string        `key:"cheap" env:"KEFU_MODELS_CHEAP" help:"model of openai for simple questions"`
	Strong              string        `key:"strong" env:"KEFU_MODELS_STRONG" help:"model of openai for complex questions"`
	OpenAIRPM           int           `key:"openai_rpm" env:"KEFU_MODELS_OPENAI_RPM" range:"0..10000000" help:"requests a minute to one model of openai with one key, counted in this process; 0: no limit"`
	OpenAITPM           int           `key:"openai_tpm" env:"KEFU_MODELS_OPENAI_TPM" range:"0..1000000000" help:"tokens a minute likewise, prompt and completion together; 0: no limit"`
	AnthropicKey        Secret        `key:"anthropic_api_key" env:"ANTHROPIC_API_KEY" help:"key of Anthropic"`
	AnthropicBaseURL    string        `key:"anthropic_base_url" env:"ANTHROPIC_BASE_URL" help:"endpoint like Anthropic's, before /v1; empty: Anthropic's own"`
	AnthropicCheap      string        `key:"anthropic_cheap" env:"KEFU_MODELS_ANTHROPIC_CHEAP" help:"model of anthropic for simple questions"`
	AnthropicStrong     string        `key:"anthropic_strong" env:"KEFU_MODELS_ANTHROPIC_STRONG" help:"model of anthropic for complex questions"`
	AnthropicRPM        int           `key:"anthropic_rpm" env:"KEFU_MODELS_ANTHROPIC_RPM" range:"0..10000000" help:"requests a minute to one model of anthropic with one key, counted in this process; 0: no limit"`
	AnthropicTPM        int           `key:"anthropic_tpm" env:"KEFU_MODELS_ANTHROPIC_TPM" range:"0..1000000000" help:"tokens a minute likewise, prompt and completion together; 0: no limit"`
	GeminiKey           Secret        `key:"gemini_api_key" env:"GEMINI_API_KEY" help:"key of Google's Gemini API"`
	GeminiBaseURL       string        `key:"gemini_base_url" env:"GEMINI_BASE_URL" help:"endpoint like Google's, up to /v1beta; empty: Google's own"`
	GeminiCheap         string        `key:"gemini_cheap" env:"KEFU_MODELS_GEMINI_CHEAP" help:"model of gemini for simple questions"`
	GeminiStrong        string        `key:"gemini_strong" env:"KEFU_MODELS_GEMINI_STRONG" help:"model of gemini for complex questions"`
	GeminiRPM           int           `key:"gemini_rpm" env:"KEFU_MODELS_GEMINI_RPM" range:"0..10000000" help:"requests a minute to one model of gemini with one key, counted in this process; 0: no limit"`
	GeminiTPM           int           `key:"gemini_tpm" env:"KEFU_MODELS_GEMINI_TPM" range:"0..1000000000" help:"tokens a minute likewise, prompt and completion together; 0: no limit"`
	Embedding           string        `key:"embedding" env:"KEFU_MODELS_EMBEDDING" help:"model of openai, or name of a model below, for embeddings; after a change everything is embedded again"`
	EmbeddingDimensions int           `key:"embedding_dimensions" env:"KEFU_MODELS_EMBEDDING_DIMENSIONS" range:"0..8192" help:"length of an embedding; 0: the model's own"`
	Timeout             time.Duration `key:"timeout" env:"KEFU_MODELS_TIMEOUT" range:"100ms..10m" help:"limit of one call to a provider"`
	LimitWait           time.Duration `key:"limit_wait" env:"KEFU_MODELS_LIMIT_WAIT" range:"1ms..10m" help:"longest wait for a place within rpm and tpm, after which the next model is asked"`
	FirstDelta          time.Duration `key:"first_delta" env:"KEFU_MODELS_FIRST_DELTA" range:"100ms..10m" help:"limit of the wait for the first words of a stream, or timeout where that is less"`
	Idle                time.Duration `key:"idle" env:"KEFU_MODELS_IDLE" range:"100ms..10m" help:"limit of the silence within a stream; keep-alives count as silence"`
	Retries             int           `key:"retries" env:"KEFU_MODELS_RETRIES" range:"0..10" help:"repetitions of one call to one model at most; all together they stay a fifth of the calls of ten seconds (ten are always allowed)"`
	Backoff             time.Duration `key:"backoff" env:"KEFU_MODELS_BACKOFF" range:"1ms..1m" help:"longest wait before the first repetition, multiplied by backoff_factor before each further one; the wait is random below it"`
	BackoffFactor       float64       `key:"backoff_factor" env:"KEFU_MODELS_BACKOFF_FACTOR" range:"1..10" help:"by which that wait grows"`
	MaxBackoff          time.Duration `key:"max_backoff" env:"KEFU_MODELS_MAX_BACKOFF" range:"1ms..10m" help:"longest wait before any repetition; a provider that asks for more is not waited for, nor one that asks for more than backoff while another model could answer"`
	BreakerCoolDown     time.Duration `key:"breaker_cool_down" env:"KEFU_MODELS_BREAKER_COOL_DOWN" range:"100ms..1h" help:"time that a model is left alone after breaker_faults, or faults in half of 10 and more calls of a minute, or a refused key (one that cannot be reached for 5s at most); then at most 3 calls at a time try it"`
	BreakerFaults       int           `key:"breaker_faults" env:"KEFU_MODELS_BREAKER_FAULTS" range:"1..1000" help:"faults in a row after which a model is left alone"`
	HedgeShare          float64       `key:"hedge_share" env:"KEFU_MODELS_HEDGE_SHARE" range:"0..0.05" help:"part of the calls that may be made a second time when a reply takes longer than 95 of 100 do; streams are not; 0: none"`
	CompletionTTL       time.Duration `key:"completion_ttl" env:"KEFU_MODELS_COMPLETION_TTL" range:"0s..720h" help:"time for which a model's whole reply is kept for the same prompt, in memory and Redis, as evaluations want it; 0s: not kept, but for an hour by kefu ask --file"`
	Connections         int           `key:"connections" env:"KEFU_MODELS_CONNECTIONS" range:"0..65536" help:"unused connections to one provider that are kept for the next calls, which never wait for one; 0: as many as admission.concurrency, at least 100"`
	ConnectionIdle      time.Duration `key:"connection_idle" env:"KEFU_MODELS_CONNECTION_IDLE" range:"1s..1h" help:"time that an unused connection to a provider is kept"`
	MaxTokens           int           `key:"max_tokens" env:"KEFU_MODELS_MAX_TOKENS" range:"16..32768" help:"completion tokens of one call at most"`

	// Named are the models that kefu.yaml describes, in its order.
	Named []Model
}

// Model is a model that kefu.yaml gives a name, beside those that a provider's
// key switches on.
type Model struct {
	Name     string
	Provider string        `key:"provider" oneof:"openai anthropic gemini" help:"whose protocol the model speaks; openai for every compatible endpoint"`
	Model    string        `key:"model" help:"the vendor's name of the model; empty: NAME"`
	BaseURL  string        `key:"base_url" help:"endpoint of this model, which is then sent no key but its own; empty: the provider's"`
	KeyEnv   string        `key:"key_env" help:"variable with the key of this model, or with _FILE behind it a file; empty: the provider's key"`
	KeyFile  string        `key:"key_file" help:"file with the key of this model"`
	Tier     string        `key:"tier" oneof:"simple complex" help:"questions that the model is asked when chains does not say"`
	Private  bool          `key:"private" help:"true: the model runs in the house, so that it may be shown documents that are local-only, which third parties never are"`
	Timeout  time.Duration `key:"timeout" range:"100ms..10m" help:"limit of one call to this model; empty: models.timeout"`
	RPM      int           `key:"rpm" range:"0..10000000" help:"requests a minute of this model with one key; 0: the provider's, or for a model with its own endpoint or key no limit"`
	TPM      int           `key:"tpm" range:"0..1000000000" help:"tokens a minute likewise, prompt and completion together"`
	// Deployments share the calls by weight; empty: there is one, described above.
	Deployments []Deployment

	key Secret
}

// Deployment is one of several keys or endpoints of a model.
type Deployment struct {
	BaseURL string `key:"base_url" help:"one of several endpoints of the model; empty: models.NAME.base_url"`
	KeyEnv  string `key:"key_env" help:"variable with one of several keys of the model, or with _FILE behind it a file; empty: as for the model"`
	KeyFile string `key:"key_file" help:"file with one of several keys of the model"`
	Weight  int    `key:"weight" range:"0..1000" help:"its share of the calls, among deployments with as much under way; 0: 1"`
	RPM     int    `key:"rpm" range:"0..10000000" help:"requests a minute here; 0: models.NAME.rpm"`
	TPM     int    `key:"tpm" range:"0..1000000000" help:"tokens a minute here; 0: models.NAME.tpm"`

	key Secret
}

// Chains names the models of each kind of question.
type Chains struct {
	Simple  []string `key:"simple" env:"KEFU_CHAINS_SIMPLE" help:"models for simple questions, in the order in which they are tried; empty: of each provider with a key its cheap one, then offline"`
	Complex []string `key:"complex" env:"KEFU_CHAINS_COMPLEX" help:"models for complex questions, in the order in which they are tried; empty: of each provider with a key its strong one, then offline"`
}

// modelName keeps names fit for YAML, for a list with commas and for metrics.
var modelName = regexp.MustCompile(`^\w([\w./:@-]*\w)?$`)

// settings are those of the model, set or not.
func (m *Model) settings() []setting {
	return walk(nil, []string{"models", m.Name}, reflect.ValueOf(m).Elem())
}

func (m *Model) check() error {
	at := "models." + m.Name
	switch {
	case slices.Contains([]string{OpenAI, Anthropic, Gemini, Offline}, m.Name):
		return bad(at, "%s is the name of a provider; give the model another", m.Name)
	case !modelName.MatchString(m.Name):
		return bad(at, "want a name of letters, digits and . / : @ - _")
	case m.Provider == "":
		return bad(at, "want a provider: openai (also for every compatible endpoint), anthropic or gemini")
	}
	for i, d := range m.Deployments {
		if err := checkURL(fmt.Sprintf("%s.deployments[%d].base_url", at, i), d.BaseURL, "http", "https"); err != nil {
			return err
		}
	}
	return checkURL(at+".base_url", m.BaseURL, "http", "https")
}

func (c *Config) checkModels() error {
	for _, a := range c.Models.accounts() {
		for _, m := range []struct{ key, name string }{{"cheap", a.cheap}, {"strong", a.strong}} {
			if m.name == "" {
				return bad(a.prefix+m.key, "want the name of a model")
			}
		}
		if err := checkURL("models."+a.provider+"_base_url", a.BaseURL, "http", "https"); err != nil {
			return err
		}
	}
	if c.Models.Embedding == "" {
		return bad("models.embedding", "want the name of a model")
	}
	for i := range c.Models.Named {
		if err := c.Models.Named[i].check(); err != nil {
			return err
		}
	}
	_, err := c.Targets()
	return err
}
