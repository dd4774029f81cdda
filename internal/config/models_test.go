package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"kefu/internal/config"
)

// names are those of a chain, with the provider where it is another.
func names(chain []config.Target) string {
	var all []string
	for _, t := range chain {
		name := t.Name
		if t.Provider != t.Protocol {
			name += "@" + t.Provider
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func TestChainsFollowFromKeysModelsAndWhatTheFileSays(t *testing.T) {
	const all = "OPENAI_API_KEY=o ANTHROPIC_API_KEY=a GEMINI_API_KEY=g"
	for _, tt := range []struct{ name, yaml, env, simple, complex, embedding string }{
		{
			"without a key the offline model answers alone", "", "",
			"offline", "offline", "offline",
		},
		{
			"one provider lends its other model", "", "OPENAI_API_KEY=o",
			"gpt-6-luna gpt-6.1-terra offline", "gpt-6.1-terra gpt-6-luna offline", "text-embedding-3-small",
		},
		{
			"a base URL switches openai on", "", "OPENAI_BASE_URL=http://127.0.0.1:1/v1 KEFU_MODELS_CHEAP=m KEFU_MODELS_STRONG=m",
			"m offline", "m offline", "text-embedding-3-small",
		},
		{
			"a base URL alone does not switch anthropic on", "", "ANTHROPIC_BASE_URL=http://127.0.0.1:1",
			"offline", "offline", "offline",
		},
		{
			"anthropic alone embeds offline", "", "ANTHROPIC_API_KEY=a",
			"claude-haiku-5-5 claude-sonnet-5-5 offline", "claude-sonnet-5-5 claude-haiku-5-5 offline", "offline",
		},
		{
			"three providers stand in order", "", all,
			"gpt-6-luna claude-haiku-5-5 gemini-3.1-flash-lite offline", "gpt-6.1-terra claude-sonnet-5-5 gemini-3.8-flash offline", "text-embedding-3-small",
		},
		{
			"variables name chains of what the keys switch on", "", all + " KEFU_CHAINS_SIMPLE=gemini-3.1-flash-lite,gpt-6.1-terra",
			"gemini-3.1-flash-lite gpt-6.1-terra", "gpt-6.1-terra claude-sonnet-5-5 gemini-3.8-flash offline", "text-embedding-3-small",
		},
		{
			"the file names models and chains",
			`
models:
  luna: {provider: openai, model: gpt-6-luna}
  haiku: {provider: anthropic, model: claude-haiku-5-5}
chains:
  simple: [luna, haiku, offline]
  complex:
    - gpt-6.1-terra
    - haiku
`, all,
			"luna haiku offline", "gpt-6.1-terra haiku", "text-embedding-3-small",
		},
		{
			"an endpoint of its own is a provider of its own, and needs no key",
			"models: {local: {provider: openai, model: qwen3, base_url: 'http://127.0.0.1:11434/v1'}}\nchains: {simple: [local, offline]}", "",
			"local@local offline", "local@local offline", "offline",
		},
		{
			"tiers make chains",
			"models:\n  a:\n    provider: openai\n    tier: simple\n  b:\n    provider: gemini\n    tier: complex\n  c:\n    provider: openai\n    tier: simple\n", all,
			"a c offline", "b offline", "text-embedding-3-small",
		},
		{
			"models of one tier serve the other too", "models: {a: {provider: openai, tier: complex, base_url: 'http://127.0.0.1:1/v1'}}", "",
			"a@a offline", "a@a offline", "offline",
		},
		{
			"a named model replaces the provider's of the same name",
			"models: {quick: {provider: openai, model: gpt-6-luna, timeout: 2s}}", "OPENAI_API_KEY=o",
			"quick gpt-6.1-terra offline", "gpt-6.1-terra quick offline", "text-embedding-3-small",
		},
		{
			"a named model embeds",
			"models:\n  embedding: bge\n  bge: {provider: openai, model: bge-m3, base_url: 'http://127.0.0.1:1/v1'}\n", "ANTHROPIC_API_KEY=a",
			"claude-haiku-5-5 claude-sonnet-5-5 offline", "claude-sonnet-5-5 claude-haiku-5-5 offline", "bge@bge",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := config.Load(write(t, "kefu.yaml", tt.yaml), strings.Split(tt.env, " "))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Targets()
			if err != nil {
				t.Fatal(err)
			}
			if s := names(got.Simple); s != tt.simple {
				t.Errorf("simple = %s\nwant %s", s, tt.simple)
			}
			if s := names(got.Complex); s != tt.complex {
				t.Errorf("complex = %s\nwant %s", s, tt.complex)
			}
			embedding := []config.Target{got.Embedding}
			if s := names(embedding); s != tt.embedding {
				t.Errorf("embedding = %s, want %s", s, tt.embedding)
			}
		})
	}
}

func TestLimitsAreTheModelsElseTheProviders(t *testing.T) {
	c, err := config.Load(write(t, "kefu.yaml", `
models:
  openai_rpm: 500
  openai_tpm: 200_000
  quick: {provider: openai, model: gpt-6-luna, rpm: 60}
  local: {provider: openai, model: qwen3, base_url: 'http://127.0.0.1:1/v1', tpm: 9}
  haiku: {provider: anthropic}
`), []string{"OPENAI_API_KEY=o", "ANTHROPIC_API_KEY=a", "KEFU_MODELS_ANTHROPIC_RPM=7"})
	if err != nil {
		t.Fatal(err)
	}
	targets, err := c.Targets()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]int{
		"quick": {60, 200_000}, "gpt-6.1-terra": {500, 200_000}, "local": {0, 9}, "haiku": {7, 0}, "claude-sonnet-5-5": {7, 0},
	}
	for _, target := range targets.Known {
		if limits, ok := want[target.Name]; ok && limits != [2]int{target.Endpoints[0].RPM, target.Endpoints[0].TPM} {
			t.Errorf("limits of %s = %+v, want %v", target.Name, target.Endpoints[0], limits)
		}
		delete(want, target.Name)
	}
	if len(want) > 0 {
		t.Errorf("not known: %v", want)
	}
	if e := targets.Embedding.Endpoints[0]; e.RPM != 500 || e.TPM != 200_000 {
		t.Errorf("limits of the embedder = %d, %d", e.RPM, e.TPM)
	}
}

func TestAModelGoesWhereItsSettingsSay(t *testing.T) {
	key := write(t, "key", "k-file\n")
	c, err := config.Load(write(t, "kefu.yaml", `
models:
  luna: {provider: openai, model: gpt-6-luna}
  deepseek-flash: {provider: openai, base_url: https://api.deepseek.com, key_env: DEEPSEEK_API_KEY, timeout: 5s}
  second: {provider: anthropic, model: claude-haiku-5-5, key_file: `+key+`}
  azure: {provider: openai, model: gpt-6-luna, base_url: https://shop.openai.azure.com/openai/v1, key_env: KEFU_AZURE_KEY}
  local: {provider: openai, model: "qwen3:8b", base_url: "http://127.0.0.1:11434/v1"}
`), []string{"OPENAI_API_KEY=k-openai", "DEEPSEEK_API_KEY=k-deepseek", "KEFU_AZURE_KEY_FILE=" + key, "ANTHROPIC_BASE_URL=http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Targets()
	if err != nil {
		t.Fatal(err)
	}
	at := func(endpoints ...config.Endpoint) []config.Endpoint { return endpoints }
	want := []config.Target{
		{Name: "luna", Provider: "openai", Protocol: "openai", Model: "gpt-6-luna", Endpoints: at(config.Endpoint{Key: "k-openai"})},
		{
			Name: "deepseek-flash", Provider: "deepseek-flash", Protocol: "openai", Model: "deepseek-flash", Timeout: 5 * time.Second,
			Endpoints: at(config.Endpoint{BaseURL: "https://api.deepseek.com", Key: "k-deepseek"}),
		},
		{
			Name: "second", Provider: "second", Protocol: "anthropic", Model: "claude-haiku-5-5",
			Endpoints: at(config.Endpoint{BaseURL: "http://127.0.0.1:1", Key: "k-file"}),
		},
		{
			Name: "azure", Provider: "azure", Protocol: "openai", Model: "gpt-6-luna",
			Endpoints: at(config.Endpoint{BaseURL: "https://shop.openai.azure.com/openai/v1", Key: "k-file"}),
		},
		{Name: "local", Provider: "local", Protocol: "openai", Model: "qwen3:8b", Endpoints: at(config.Endpoint{BaseURL: "http://127.0.0.1:11434/v1"})},
		{Name: "gpt-6.1-terra", Provider: "openai", Protocol: "openai", Model: "gpt-6.1-terra", Endpoints: at(config.Endpoint{Key: "k-openai"})},
	}
	if !reflect.DeepEqual(got.Known, want) {
		t.Errorf("known = %+v\nwant %+v", got.Known, want)
	}
	if text := c.Redacted(); strings.Contains(text, "k-file") || strings.Contains(text, "k-deepseek") {
		t.Errorf("Redacted() shows a key:\n%s", text)
	}
}

func TestAModelMayHaveSeveralKeysAndEndpoints(t *testing.T) {
	c, err := config.Load(write(t, "kefu.yaml", `
models:
  luna:
    provider: openai
    model: gpt-6-luna
    rpm: 100
    deployments:
      - {key_env: A, weight: 2}
      - key_env: KEFU_B
        rpm: 50
        tpm: 9
      - {}
  qwen:
    provider: openai
    base_url: http://one/v1
    deployments: [{}, {base_url: 'http://two/v1', key_env: A}]
`), []string{"OPENAI_API_KEY=k-openai", "A=k-a", "KEFU_B_FILE=" + write(t, "key", "k-b\n"), "KEFU_MODELS_OPENAI_TPM=7"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Targets()
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Target{
		{Name: "luna", Provider: "luna", Protocol: "openai", Model: "gpt-6-luna", Endpoints: []config.Endpoint{
			{Key: "k-a", Weight: 2, RPM: 100}, {Key: "k-b", RPM: 50, TPM: 9}, {Key: "k-openai", RPM: 100, TPM: 7},
		}},
		{Name: "qwen", Provider: "qwen", Protocol: "openai", Model: "qwen", Endpoints: []config.Endpoint{
			{BaseURL: "http://one/v1"}, {BaseURL: "http://two/v1", Key: "k-a"},
		}},
	}
	if !reflect.DeepEqual(got.Known[:2], want) {
		t.Errorf("known = %+v\nwant %+v", got.Known[:2], want)
	}
}

func TestFaultsOfModelsAndChainsNameTheirPlaceAndTheCure(t *testing.T) {
	for _, tt := range []struct{ name, yaml, field, want string }{
		{"no provider", "models:\n  luna: {model: x}\n", "models.luna", `FILE:2:3: models.luna: want a provider: openai (also for every compatible endpoint), anthropic or gemini`},
		{"an unknown provider", "models:\n  luna: {provider: opnai}\n", "models.luna.provider", `FILE:2:20: models.luna.provider: want openai, anthropic or gemini, got "opnai"`},
		{"a misspelt key of a model", "models:\n  luna:\n    provder: openai\n", "models.luna.provder", `FILE:3:5: unknown key "models.luna.provder"; did you mean "models.luna.provider"?`},
		{"a section within a model", "models:\n  luna:\n    limits: {a: 1}\n", "models.luna.limits", `FILE:3:5: unknown key "models.luna.limits"; allowed are models.luna.provider`},
		{"a model that is a word", "models:\n  luna: gpt-6-luna\n", "models.luna", `FILE:2:3: unknown key "models.luna"`},
		{"a model elsewhere", "cache:\n  luna: {provider: openai}\n", "cache.luna", `FILE:2:3: unknown key "cache.luna"`},
		{"a setting for a model", "models:\n  timeout: {provider: openai}\n", "models.timeout", `FILE:2:12: models.timeout: want a single value`},
		{"the name of a provider", "models:\n  gemini: {provider: openai}\n", "models.gemini", `FILE:2:3: models.gemini: gemini is the name of a provider`},
		{"a name with a space", "models:\n  my model: {provider: openai}\n", "models.my model", `FILE:2:3: models.my model: want a name of letters`},
		{"a timeout beyond its range", "models:\n  luna: {provider: openai, timeout: 1ms}\n", "models.luna.timeout", `FILE:2:37: models.luna.timeout: want 100ms to 10m, got 1ms`},
		{"a private model at a vendor's own endpoint", "models: {openai_api_key: k, luna: {provider: openai, private: true}}\n", "models.luna.private", `models.luna.private: the endpoint of openai itself is a third party`},
		{"a private model by another word", "models:\n  luna: {provider: openai, private: yes}\n", "models.luna.private", `FILE:2:37: models.luna.private: want true or false, got "yes"`},
		{"a glob that would match less than it seems", "knowledge: {local_only: [legal, hr/**]}\n", "knowledge.local_only", `"hr/**" is no glob`},
		{"a glob that is none", "knowledge: {local_only: ['[hr']}\n", "knowledge.local_only", `"[hr" is no glob`},
		{"an endpoint that is none", "models:\n  luna: {provider: openai, base_url: gpu}\n", "models.luna.base_url", `FILE:2:38: models.luna.base_url: want a URL`},
		{"no key", "models:\n  haiku: {provider: anthropic}\n", "models.haiku", `FILE:2:3: models.haiku: anthropic asks for a key: set ANTHROPIC_API_KEY, or name another variable with key_env`},
		{"a variable that is not set", "models:\n  haiku: {provider: anthropic, key_env: MY_KEY}\n", "models.haiku.key_env", `FILE:2:41: models.haiku.key_env: MY_KEY is not set`},
		{"two places for a key", "models:\n  haiku: {provider: anthropic, key_env: MY_KEY, key_file: /x}\n", "models.haiku.key_env", `keep one`},
		{"a key's file that is missing", "models:\n  haiku:\n    provider: anthropic\n    key_file: /nowhere\n", "models.haiku.key_file", `FILE:4:15: key_file /nowhere: no such file`},
		{"one model twice", "models:\n  a: {provider: openai, model: m}\n  b: {provider: openai, model: m}\n", "models.b", `FILE:3:3: models.b: m of openai already has the name a`},
		{"an unknown model in a chain", "models:\n  luna: {provider: openai}\nchains:\n  simple: [lunar, offline]\n", "chains.simple", `FILE:4:11: chains.simple: unknown model "lunar"; did you mean "luna"?`},
		{"a model unlike any other", "chains: {complex: [teapot]}\n", "chains.complex", `chains.complex: unknown model "teapot"; there are gpt-6-luna, gpt-6.1-terra and offline`},
		{"a model of a provider that is off", "chains: {simple: [claude-haiku-5-5]}\n", "chains.simple", `it is a model of anthropic, which has no key: set ANTHROPIC_API_KEY`},
		{"a model twice in a chain", "chains: {simple: [gpt-6-luna, gpt-6-luna]}\n", "chains.simple", `gpt-6-luna stands there twice`},
		{"something after offline", "chains: {simple: [offline, gpt-6-luna]}\n", "chains.simple", `offline always answers, so nothing after it would be asked`},
		{"a chain of mappings", "chains: {simple: [{a: b}]}\n", "chains.simple", `FILE:1:18: chains.simple: want a list such as [a, b]`},
		{"an embedder that cannot", "models: {embedding: h, h: {provider: anthropic, base_url: 'http://h'}}\n", "models.embedding", `h is of anthropic, and only openai and compatible endpoints embed`},
		{"deployments that are no list", "models:\n  luna:\n    provider: openai\n    deployments: {key_env: A}\n", "models.luna.deployments", `FILE:4:18: models.luna.deployments: want a list such as [{key_env: A}, {key_env: B}]`},
		{"a deployment that is a word", "models:\n  luna:\n    provider: openai\n    deployments: [A]\n", "models.luna.deployments[0]", `FILE:4:19: models.luna.deployments[0]: want keys with values`},
		{"a misspelt key of a deployment", "models:\n  luna:\n    provider: openai\n    deployments: [{wieght: 2}]\n", "models.luna.deployments[0].wieght", `did you mean "models.luna.deployments[0].weight"?`},
		{"a weight below nothing", "models:\n  luna:\n    provider: openai\n    deployments: [{weight: -1}]\n", "models.luna.deployments[0].weight", `want 0 to 1000, got -1`},
		{"a deployment's variable that is not set", "models:\n  luna:\n    provider: openai\n    deployments: [{key_env: NONE}]\n", "models.luna.deployments[0].key_env", `FILE:4:29: models.luna.deployments[0].key_env: NONE is not set`},
		{"a deployment's endpoint that is none", "models:\n  luna:\n    provider: openai\n    deployments: [{base_url: gpu}]\n", "models.luna.deployments[0].base_url", `want a URL`},
		{"a key beside deployments", "models:\n  luna:\n    provider: openai\n    key_env: K\n    deployments: [{}]\n", "models.luna.deployments", `the model has a key too; move it to a deployment`},
		{"an embedder in several places", "models: {embedding: e, e: {provider: openai, base_url: 'http://h', deployments: [{}, {}]}}\n", "models.embedding", `e has several deployments`},
		{"no model for a tier", "models: {gemini_cheap: ''}\n", "models.gemini_cheap", `models.gemini_cheap: want the name of a model`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "kefu.yaml", tt.yaml)
			_, err := config.Load(path, []string{"OPENAI_API_KEY=o"})
			expect(t, err, tt.field, strings.ReplaceAll(tt.want, "FILE", path))
		})
	}
}

func TestRedactedModelsAndChainsReadBackTheSame(t *testing.T) {
	environ := []string{"ANTHROPIC_API_KEY=a", "K=k"}
	c, err := config.Load(write(t, "kefu.yaml", `
models:
  gpt-6.1-terra: {provider: openai, base_url: 'http://127.0.0.1:1/v1', key_env: K, tier: complex, timeout: 1m}
  haiku: {provider: anthropic, model: claude-haiku-5-5, rpm: 9}
  two: {provider: openai, deployments: [{base_url: 'http://one'}, {base_url: 'http://two', key_env: K, weight: 3}]}
chains: {simple: [haiku, gpt-6.1-terra]}
`), environ)
	if err != nil {
		t.Fatal(err)
	}
	c.Models.AnthropicKey = "" // which the environment gives again
	back, err := config.Load(write(t, "kefu.yaml", c.Redacted()), environ)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.Redacted())
	}
	if back.Redacted() != strings.ReplaceAll(c.Redacted(), `anthropic_api_key: ""`, `anthropic_api_key: "[redacted]"`) {
		t.Errorf("read back:\n%s\nwritten:\n%s", back.Redacted(), c.Redacted())
	}
}
