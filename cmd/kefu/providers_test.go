package main_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// Each question is new, so that none is answered from the cache.
func TestProvidersAnswerInTheOrderOfTheChainAndRequestsMayChoose(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, everyProvider(vendor)...)
	site.Write("kefu.yaml", `
models:
  luna: {provider: openai, model: gpt-6-luna}
  haiku: {provider: anthropic, model: claude-haiku-5-5, timeout: 5s}
chains:
  simple: [luna, haiku, gemini-3.1-flash-lite, offline]
  complex: [luna, haiku, gemini-3.1-flash-lite, offline]
`)
	server := site.Serve()
	for n, want := range []string{"openai/gpt-6-luna", "anthropic/claude-haiku-5-5", "gemini/gemini-3.1-flash-lite", "offline/offline-extractive"} {
		gone := []string{"gpt-6-luna", "claude-haiku-5-5", "gemini-3.1-flash-lite"}[:n]
		if n > 0 {
			vendor.Behave(llmsim.Config{Failures: llmsim.Failures{"404": 1}, Models: gone})
		}
		a := server.Ask(fmt.Sprintf("How many days after delivery can I return item number %d?", n))
		if got := a.Provider + "/" + a.Model; got != want || a.Degraded != (n == 3) {
			t.Errorf("without %v: answered by %s, degraded %v, want %s", gone, got, a.Degraded, want)
		}
	}
	vendor.Behave(llmsim.Config{})

	for _, tt := range []struct{ restrict, want string }{
		{`"model":"haiku"`, `"anthropic"`},
		{`"model":"claude-haiku-5-5"`, `"anthropic"`},
		{`"provider":"gemini"`, `"gemini"`},
		{`"model":"offline-extractive"`, `"offline"`},
		{`"model":"gemini-3.8-flash"`, `configured: luna, haiku, gemini-3.1-flash-lite, offline-extractive`}, // in no chain
	} {
		_, body, err := server.Post(t.Context(), "application/json", []byte(`{"question":"`+simpleZH+`",`+tt.restrict+`}`))
		if err != nil || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s: %s %v, want %s", tt.restrict, body, err, tt.want)
		}
	}
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

func TestTheStartWarnsOfModelsWithoutAPrice(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, append(vendor.Env(), "KEFU_MODELS_CHEAP=teapot-1")...)
	server := site.Serve()
	line := server.Log.Await(t, "teapot-1 has no known price")
	var event struct{ Level string }
	if err := json.Unmarshal([]byte(line), &event); err != nil || event.Level != "WARN" {
		t.Errorf("log = %s, want a warning", line)
	}
	server.Stop()
	r := site.Run("prices", "check")
	if r.Code == 0 {
		t.Error("kefu prices check found nothing")
	}
	holds(t, "stderr", r.Stderr, "teapot-1 has no known price", "KEFU_PRICES_FILE")
}

func TestPricesAreListedAsTheyAreCorrected(t *testing.T) {
	t.Parallel()
	site := newShop(t)
	list := site.Run("prices", "list").Stdout
	holds(t, "the list", strings.Join(strings.Fields(list), " "),
		"gpt-6-luna 0.100 0.010 0.500 1050000 - ", "gpt-6-luna 0.200 0.020 0.750 1050000 prompts above 272000 ",
		"gemini-3.8-flash 0.750 0.075 3.750 - until 2026-12-31 ", "gemini-3.8-flash 1.500 0.150 7.500 - from 2027-01-01 ")
	if strings.Contains(list, "0001-01-01") {
		t.Errorf("the list holds a day that never was:\n%s", list)
	}
	site.Write("prices.json", site.Run("prices", "list", "--json").Stdout)
	r := site.With("KEFU_PRICES_FILE=prices.json").Run("prices", "list")
	if r.Code != 0 || r.Stdout != list {
		t.Errorf("what --json printed is read as %d:\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
}

// everyProvider is the vendor under its three protocols.
func everyProvider(vendor *e2e.Vendor) []string {
	env := vendor.Env()
	root := vendor.URL()
	return append(env, "ANTHROPIC_API_KEY=a-simulated", "ANTHROPIC_BASE_URL="+root, "GEMINI_API_KEY=g-simulated", "GEMINI_BASE_URL="+root+"/v1beta")
}
