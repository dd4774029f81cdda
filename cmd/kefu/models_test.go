package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kefu/internal/config"
	"kefu/internal/desk"
	"kefu/internal/e2e"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
	"kefu/internal/llmsim"
)

// simulated is a provider that speaks all three protocols, and the variables
// that lead to it.
func simulated(t *testing.T, c llmsim.Config) (*llmsim.Sim, []string, *httptest.Server) {
	t.Helper()
	sim, err := llmsim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, []string{
		"OPENAI_API_KEY=o", "OPENAI_BASE_URL=" + server.URL + "/v1",
		"ANTHROPIC_API_KEY=a", "ANTHROPIC_BASE_URL=" + server.URL,
		"GEMINI_API_KEY=g", "GEMINI_BASE_URL=" + server.URL + "/v1beta",
	}, server
}

// configuredModels are those of a kefu.yaml and an environment.
func configuredModels(t *testing.T, yaml string, environ ...string) models {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kefu.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, environ)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModels(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// unobserved is a gateway.Observer and an llm.Ledger that keep nothing.
type unobserved struct{}

func (unobserved) Attempt(ctx context.Context, _, _ string, _ desk.Purpose) (context.Context, func(desk.Attempt)) {
	return ctx, func(desk.Attempt) {}
}
func (unobserved) FirstDelta(string, time.Duration)          {}
func (unobserved) NextDelta(string, time.Duration)           {}
func (unobserved) Decided(context.Context, desk.Decision)    {}
func (unobserved) Breaker(string, string, int, string)       {}
func (unobserved) Begin(context.Context, desk.Attempt) error { return nil }
func (unobserved) Note(desk.Attempt)                         {}
func (unobserved) End(desk.Attempt)                          {}

func call(tier llm.Tier, stream bool) llm.Call {
	return llm.Call{
		Tier: tier, Stream: stream, Purpose: desk.PurposeAnswer, MaxTokens: 100,
		Prompt:    llm.Prompt{System: "Answer from the sources.", Question: "How long is the warranty?", Sources: []desk.Passage{passage}},
		Allowance: llm.NewAllowance(llm.Grant{Attempts: 4, Deadline: time.Now().Add(time.Minute)}, unobserved{}),
	}
}

var passage = desk.Passage{Chunk: desk.Chunk{ID: "c1", Text: "The warranty lasts 24 months."}}

func TestAChainFallsBackFromProviderToProviderInItsOrder(t *testing.T) {
	sim, environ, _ := simulated(t, llmsim.Config{})
	const chains = `
models:
  luna: {provider: openai, model: gpt-6-luna}
  haiku: {provider: anthropic, model: claude-haiku-5-5}
chains:
  simple: [haiku, luna, offline]
  complex: [gemini-3.8-flash, luna]
`
	tests := []struct {
		yaml string
		tier llm.Tier
		want []string // models in the order in which they are tried
	}{
		{"", llm.Cheap, []string{"openai/gpt-6-luna", "anthropic/claude-haiku-5-5", "gemini/gemini-3.1-flash-lite", "offline/offline-extractive"}},
		{"", llm.Strong, []string{"openai/gpt-6.1-terra", "anthropic/claude-sonnet-5-5", "gemini/gemini-3.8-flash", "offline/offline-extractive"}},
		{chains, llm.Cheap, []string{"anthropic/claude-haiku-5-5", "openai/gpt-6-luna", "offline/offline-extractive"}},
		{chains, llm.Strong, []string{"gemini/gemini-3.8-flash", "openai/gpt-6-luna"}},
	}
	for _, tt := range tests {
		for failing, want := range tt.want {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s stream %v", tt.tier, want, stream), func(t *testing.T) {
					var script []llmsim.Step
					for _, name := range tt.want[:failing] {
						_, model, _ := strings.Cut(name, "/")
						script = append(script, llmsim.Step{Model: model, Fault: "404"})
					}
					if err := sim.Script(script...); err != nil {
						t.Fatal(err)
					}
					reply, err := configuredModels(t, tt.yaml, environ...).gateway(unobserved{}, nil).Start(t.Context(), call(tt.tier, stream))
					if err != nil {
						t.Fatal(err)
					}
					defer reply.Close()
					if got := reply.Provider + "/" + reply.Model; got != want || reply.Degraded != strings.HasPrefix(want, "offline") {
						t.Errorf("answered by %s, degraded %v, want %s", got, reply.Degraded, want)
					}
					if left := sim.ScriptLeft(); len(left) > 0 {
						t.Errorf("these were not asked: %+v", left)
					}
				})
			}
		}
	}
}

func TestAChainWithoutOfflineEndsInTheFailure(t *testing.T) {
	_, environ, _ := simulated(t, llmsim.Config{Failures: llmsim.Failures{"401": 1}})
	g := configuredModels(t, "chains: {simple: [gpt-6-luna, claude-haiku-5-5]}", environ...).gateway(unobserved{}, nil)
	if _, err := g.Start(t.Context(), call(llm.Cheap, false)); llm.KindOf(err) != llm.Unauthorised {
		t.Errorf("Start = %v, want unauthorised", err)
	}
}

func TestTheKeysOfAModelStandInForEachOther(t *testing.T) {
	sim, _, _ := simulated(t, llmsim.Config{})
	var mu sync.Mutex
	asked := map[string]int{} // by key
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		mu.Lock()
		asked[key]++
		mu.Unlock()
		switch key {
		case "revoked":
			w.WriteHeader(http.StatusUnauthorized)
		case "limited":
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			sim.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	g := configuredModels(t, `
models:
  luna:
    provider: openai
    base_url: `+server.URL+`/v1
    deployments: [{key_env: A}, {key_env: B}, {key_env: C}, {key_env: D, weight: 3}]
chains: {simple: [luna, offline]}
`, "A=revoked", "B=limited", "C=good", "D=better").gateway(unobserved{}, nil)
	for range 20 {
		reply, err := g.Start(t.Context(), call(llm.Cheap, false))
		if err != nil || reply.Provider != "luna" {
			t.Fatalf("Start = %+v, %v, want an answer with another key", reply, err)
		}
	}
	if asked["revoked"] != 1 || asked["limited"] != 1 || asked["good"]+asked["better"] != 20 || asked["better"] < 2*asked["good"] {
		t.Errorf("calls by key = %v", asked)
	}
}

func TestLimitsAreKeptTowardsTheProvider(t *testing.T) {
	sim, environ, _ := simulated(t, llmsim.Config{})
	g := configuredModels(t, "chains: {simple: [gpt-6-luna, claude-haiku-5-5, offline]}",
		append(environ, "KEFU_MODELS_OPENAI_RPM=5", "KEFU_MODELS_ANTHROPIC_TPM=2000", "KEFU_MODELS_LIMIT_WAIT=1ms")...).gateway(unobserved{}, nil)
	answered := map[string]int{}
	for range 20 {
		reply, err := g.Start(t.Context(), call(llm.Cheap, false))
		if err != nil {
			t.Fatal(err)
		}
		answered[reply.Provider]++
	}
	// Tokens: each call takes what it may need at most and gives back the rest.
	if answered["openai"] != 5 || answered["anthropic"] < 5 || answered["offline"] == 0 || len(sim.Log()) != answered["openai"]+answered["anthropic"] {
		t.Errorf("answered by %v in %d calls", answered, len(sim.Log()))
	}
}

func TestRetriesAndBreakerAreAsConfigured(t *testing.T) {
	for _, tt := range []struct {
		env   string
		want  int // calls of the first question
		opens int // calls until the breaker opens
	}{
		{"KEFU_MODELS_RETRIES=0", 1, 3},
		{"KEFU_MODELS_RETRIES=1 KEFU_MODELS_BREAKER_FAULTS=5", 2, 5},
		{"KEFU_MODELS_RETRIES=3 KEFU_MODELS_BACKOFF=2ms KEFU_MODELS_BACKOFF_FACTOR=3 KEFU_MODELS_MAX_BACKOFF=20ms KEFU_MODELS_BREAKER_FAULTS=9", 4, 9},
	} {
		sim, environ, _ := simulated(t, llmsim.Config{Failures: llmsim.Failures{"500": 1}})
		environ = append(environ, append([]string{"KEFU_MODELS_BACKOFF=1ms", "KEFU_CHAINS_SIMPLE=gpt-6-luna,offline"}, strings.Fields(tt.env)...)...)
		g := configuredModels(t, "", environ...).gateway(unobserved{}, nil)
		ask := func() int {
			if reply, err := g.Start(t.Context(), call(llm.Cheap, false)); err != nil || !reply.Degraded {
				t.Errorf("%s: Start = %+v, %v", tt.env, reply, err)
			}
			return len(sim.Log())
		}
		if n := ask(); n != tt.want {
			t.Errorf("%s: %d calls, want %d", tt.env, n, tt.want)
		}
		for range 20 {
			ask()
		}
		if n := ask(); n != tt.opens {
			t.Errorf("%s: breaker opened after %d calls, want %d", tt.env, n, tt.opens)
		}
	}
}

func TestARequestMayNameAModelAsTheFileDoesOrAsTheVendorDoes(t *testing.T) {
	_, environ, server := simulated(t, llmsim.Config{})
	g := configuredModels(t, `
models:
  haiku: {provider: anthropic, model: claude-haiku-5-5, tier: simple}
  local: {provider: openai, model: qwen3, base_url: `+server.URL+`/v1, tier: simple}
`, environ...).gateway(unobserved{}, nil)
	for _, tt := range []struct{ model, provider, want string }{
		{"haiku", "", "anthropic/claude-haiku-5-5"},
		{"haiku", "anthropic", "anthropic/claude-haiku-5-5"},
		{"claude-haiku-5-5", "", "anthropic/claude-haiku-5-5"},
		{"local", "", "local/qwen3"},
		{"qwen3", "", "local/qwen3"},
		{"", "local", "local/qwen3"},
		{"", "gemini", "gemini/gemini-3.8-flash"}, // of the other tier
		{"offline-extractive", "", "offline/offline-extractive"},
		{"", "offline", "offline/offline-extractive"},
		{"haiku", "openai", "unknown_model"},
		{"teapot", "", "unknown_model"},
		{"", "teapot", "unknown_provider"},
	} {
		c := call(llm.Cheap, false)
		c.Model, c.Provider = tt.model, tt.provider
		var got string
		if reply, err := g.Start(t.Context(), c); err != nil {
			if refused, ok := errors.AsType[*desk.Error](err); ok {
				got = refused.Code
			}
		} else {
			got = reply.Provider + "/" + reply.Model
		}
		if got != tt.want {
			t.Errorf("model %q of provider %q: %s, want %s", tt.model, tt.provider, got, tt.want)
		}
	}
}

func TestTheFingerprintChangesWithEveryModelAndChain(t *testing.T) {
	const base = "models: {a: {provider: openai, base_url: 'http://a/v1', model: m}, b: {provider: anthropic, base_url: 'http://b', model: m}}\nchains: {simple: [a], complex: [b]}"
	first := configuredModels(t, base).fingerprint()
	for _, tt := range []struct {
		name, old, new, env string
		same                bool
	}{
		{name: "another endpoint", old: "http://a/v1", new: "http://c/v1"},
		{name: "another vendor's model", old: "http://b', model: m", new: "http://b', model: n"},
		{name: "another deployment", old: "model: m}, b", new: "model: m, deployments: [{}, {base_url: 'http://d/v1'}]}, b"},
		{name: "another protocol", old: "provider: anthropic", new: "provider: gemini"},
		{name: "another model of a chain", old: "simple: [a]", new: "simple: [b]"},
		{name: "a longer chain", old: "simple: [a]", new: "simple: [a, offline]"},
		{name: "another order", old: "simple: [a], complex: [b]", new: "simple: [b], complex: [a]"},
		{name: "another embedder", old: "models: {", new: "models: {embedding: c, c: {provider: openai, base_url: 'http://c/v1'}, "},
		{name: "shorter answers", env: "KEFU_MODELS_MAX_TOKENS=100"},
		{name: "another key", env: "ANTHROPIC_API_KEY=k", same: true},
		{name: "another limit", env: "KEFU_MODELS_TIMEOUT=5s", same: true},
	} {
		if got := configuredModels(t, strings.Replace(base, tt.old, tt.new, 1), tt.env).fingerprint(); (got == first) != tt.same {
			t.Errorf("%s: fingerprint = %s, before %s", tt.name, got, first)
		}
	}
	seen := map[string]string{}
	for _, env := range []string{"", "OPENAI_API_KEY=k", "ANTHROPIC_API_KEY=k", "GEMINI_API_KEY=k", "OPENAI_BASE_URL=http://a/v1", "OPENAI_API_KEY=k KEFU_MODELS_CHEAP=m"} {
		f := configuredModels(t, "", strings.Fields(env)...).fingerprint()
		if other, ok := seen[f]; ok {
			t.Errorf("%q and %q have one fingerprint", env, other)
		}
		seen[f] = env
	}
}

func TestModelsAreCountedInTheTierThatAsksThemFirst(t *testing.T) {
	var got []string
	for _, m := range configuredModels(t, "", "OPENAI_API_KEY=k").names() {
		got = append(got, fmt.Sprintf("%s/%s:%s", m.Provider, m.Name, m.Tier))
	}
	want := "offline/offline-extractive: offline/offline-hash-512-v3: openai/gpt-6-luna:cheap openai/gpt-6.1-terra:strong openai/text-embedding-3-small:"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("names = %s\nwant %s", s, want)
	}
}

func TestDoubtfulPricesAreNamed(t *testing.T) {
	m := configuredModels(t, "", "OPENAI_API_KEY=k", "KEFU_MODELS_CHEAP=teapot-1")
	for _, tt := range []struct {
		name string
		now  time.Time
		want []string
	}{
		{"a model without a price", m.prices.Checked(), []string{"price_unknown"}},
		{"an old table", m.prices.Checked().Add(price.MaxAge + time.Hour), []string{"price_unknown", "prices_stale"}},
	} {
		doubts := m.doubts(tt.now)
		if len(doubts) != len(tt.want) {
			t.Fatalf("%s: %v, want %v", tt.name, doubts, tt.want)
		}
		for i, d := range doubts {
			if d.Code != tt.want[i] {
				t.Errorf("%s: %v, want %v", tt.name, doubts, tt.want)
			}
		}
	}
	if doubts := configuredModels(t, "").doubts(m.prices.Checked()); len(doubts) > 0 {
		t.Errorf("offline alone: %v", doubts)
	}
}

// connections counts those that a vendor's server has seen.
type connections struct{ opened, open atomic.Int64 }

func (c *connections) changed(_ net.Conn, s http.ConnState) {
	switch s {
	case http.StateNew:
		c.opened.Add(1)
		c.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		c.open.Add(-1)
	}
}

// callTogether makes so many calls at a time, rounds times: in each nobody is
// answered before all are there.
func callTogether(t *testing.T, together, rounds int, environ ...string) *connections {
	t.Helper()
	sim, err := llmsim.New(llmsim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var arrived sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait()
		sim.ServeHTTP(w, r)
	}))
	var seen connections
	server.Config.ConnState = seen.changed
	server.Start()
	t.Cleanup(server.Close)
	g := configuredModels(t, "", append(environ, "OPENAI_BASE_URL="+server.URL+"/v1")...).gateway(unobserved{}, nil)
	for range rounds {
		arrived.Add(together)
		var calls sync.WaitGroup
		for range together {
			calls.Go(func() {
				if reply, err := g.Start(t.Context(), call(llm.Cheap, false)); err != nil || reply.Degraded {
					t.Errorf("Start = %+v, %v", reply, err)
				}
			})
		}
		calls.Wait()
	}
	return &seen
}

// All calls at a time are made, whatever is kept of their connections.
func TestUnusedConnectionsToAProviderAreBounded(t *testing.T) {
	const together, kept = 16, 2
	seen := callTogether(t, together, 1, fmt.Sprintf("KEFU_MODELS_CONNECTIONS=%d", kept))
	if n := seen.opened.Load(); n != together {
		t.Errorf("%d connections for %d calls at a time", n, together)
	}
	e2e.Eventually(t, "the connections beyond what is kept are closed", func() bool { return seen.open.Load() <= kept })
}

func TestConnectionsAreKeptForAllAnswersComposedAtATime(t *testing.T) {
	const together = 160
	seen := callTogether(t, together, 3)
	if n := seen.opened.Load(); n > together {
		t.Errorf("%d connections were opened for thrice %d calls at a time", n, together)
	}
}
