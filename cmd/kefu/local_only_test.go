package main_test

import (
	"net/http"
	"strings"
	"testing"

	"kefu/internal/e2e"
	"kefu/internal/llmsim"
)

// confidential is marked in its front matter and by its folder.
var confidential = map[string]string{
	"docs/severance.md": `---
title: Severance
local_only: true
---
# Severance

The severance pay of engineers is 7351 euros. The severance pay of managers is 9642 euros.
`,
	"docs/hr/zh.md": `# 离职补偿

工程师的离职补偿为8467元。经理的离职补偿为9758元。
`,
}

// kept are words of them that no question has.
var kept = []string{"7351", "9642", "8467", "9758"}

const (
	severanceEN     = "What is the severance pay of engineers?"
	severanceBothEN = "Compare the severance pay of engineers and of managers: which one is higher?"
	severanceZH     = "工程师的离职补偿是多少？"
	severanceBothZH = "请比较工程师和经理的离职补偿，哪个更高？"
)

// newOffice is a shop with confidential documents, loaded without a vendor.
func newOffice(t *testing.T) *e2e.Site {
	t.Helper()
	site := newShop(t, "KEFU_KNOWLEDGE_LOCAL_ONLY=hr")
	for name, text := range confidential {
		site.Write(name, text)
	}
	site.Must("kb", "load", "docs")
	return site
}

// unseen fails the test when the vendor received anything confidential, or
// nothing at all.
func unseen(t *testing.T, vendor *e2e.Vendor) {
	t.Helper()
	received := vendor.Received()
	for _, word := range kept {
		if at := strings.Index(received, word); at >= 0 {
			t.Errorf("the third party received %q: …%s", word, received[max(0, at-300):at+len(word)])
		}
	}
	holds(t, "what the third party received", received, "24 months", "标准包裹的退货运费")
}

func TestLocalOnlyDocumentsReachPrivateModelsAlone(t *testing.T) {
	t.Parallel()
	vendor, house := e2e.NewVendor(t, llmsim.Config{}), e2e.NewVendor(t, llmsim.Config{})
	site := newOffice(t).With(vendor.Env()...)
	site.Write("kefu.yaml", `
models:
  luna: {provider: openai, model: gpt-6-luna}
  ours: {provider: openai, model: house-1, base_url: "`+house.URL()+`/v1", private: true}
chains:
  simple: [luna, offline]
  complex: [luna, ours, offline]
`)
	server := site.Serve()
	e2e.Eventually(t, "what may be embedded is", func() bool { return status(t, site).Embedded[providerSpace] == 5 })
	for question, want := range map[string]string{
		severanceEN: "7351", severanceBothEN: "9642", severanceZH: "8467", severanceBothZH: "9758",
	} {
		a := server.Ask(question)
		if a.Provider != "ours" || a.Degraded || !a.Grounded || !strings.Contains(a.Answer, want) {
			t.Errorf("%s: %+v, want an answer of our model with %s", question, a, want)
		}
		if n := len(a.SourceDocuments); n == 0 {
			t.Errorf("%s: no citation", question)
		}
	}
	for _, question := range []string{complexEN, complexZH} {
		if a := server.Ask(question); !a.Grounded || a.Provider != "openai" {
			t.Errorf("%s: %+v", question, a)
		}
	}
	_, body, err := server.Post(t.Context(), "application/json", []byte(`{"question":"`+severanceEN+`","model":"luna"}`))
	if err != nil || !strings.Contains(string(body), `"provider":"ours"`) {
		t.Errorf("asked for a third party: %s %v", body, err)
	}
	status, body, err := server.Post(t.Context(), "application/json", []byte(`{"question":"`+severanceBothEN+` Please.","stream":true}`))
	if err != nil || status != http.StatusOK || !strings.Contains(string(body), "9642") {
		t.Errorf("streamed: %d %s %v", status, body, err)
	}
	converse(t, server, "ann", "c1", severanceEN)
	converse(t, server, "ann", "c1", "What about managers?")
	converse(t, server, "ann", "c2", severanceZH)
	converse(t, server, "ann", "c2", "那经理呢？")
	holds(t, "what the third party received", vendor.Received(), "end of a conversation") // a follow-up was rewritten

	for name, text := range confidential {
		site.Write(name, text+"\nThis was revised. 本文已修订。\n")
	}
	site.Must("kb", "load", "docs")
	house.Behave(llmsim.Config{Failures: llmsim.Failures{"invalid_api_key": 1}})
	if a := server.Ask(severanceEN); a.Provider != "offline" || !a.Degraded || !strings.Contains(a.Answer, "7351") {
		t.Errorf("our model is down: %+v, want a quote, degraded", a)
	}
	unseen(t, vendor)
	holds(t, "what our model received", house.Received(), kept...)
	if code := server.Stop(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	healthy(t, server.Log)
}

func TestWithoutAPrivateModelLocalOnlyDocumentsAreQuotedOffline(t *testing.T) {
	t.Parallel()
	vendor := e2e.NewVendor(t, llmsim.Config{})
	site := newOffice(t).With(vendor.Env()...)
	site.Must("kb", "load", "docs")
	server := site.Serve()
	e2e.Eventually(t, "what may be embedded is", func() bool { return status(t, site).Embedded[providerSpace] == 5 })
	for question, want := range map[string]string{severanceEN: "7351", severanceZH: "8467", severanceBothEN: "7351", severanceBothZH: "8467"} {
		a := server.Ask(question)
		if a.Provider != "offline" || a.Degraded || !a.Grounded || !strings.Contains(a.Answer, want) {
			t.Errorf("%s: %+v, want a quote with %s", question, a, want)
		}
	}
	for _, question := range []string{complexEN, complexZH} {
		if a := server.Ask(question); !a.Grounded || a.Provider != "openai" {
			t.Errorf("%s: %+v", question, a)
		}
	}
	unseen(t, vendor)
	server.Stop()
	healthy(t, server.Log)
}

func TestWhatIsAboutALocalOnlyTopicReachesPrivateModelsAlone(t *testing.T) {
	t.Parallel()
	vendor, house := e2e.NewVendor(t, llmsim.Config{}), e2e.NewVendor(t, llmsim.Config{})
	site := newShop(t, "KEFU_KNOWLEDGE_LOCAL_ONLY_TOPICS=pay=severance,离职补偿; medical=diagnosis,诊断书").With(vendor.Env()...)
	for name, text := range confidential { // by their words: neither marks nor folders count here
		site.Write(strings.ReplaceAll(name, "hr/", ""), strings.ReplaceAll(text, "local_only: true\n", ""))
	}
	site.Write("kefu.yaml", `
models:
  luna: {provider: openai, model: gpt-6-luna}
  ours: {provider: openai, model: house-1, base_url: "`+house.URL()+`/v1", private: true}
chains:
  simple: [luna, ours, offline]
  complex: [luna, ours, offline]
`)
	site.Must("kb", "load", "docs")
	server := site.Serve()
	e2e.Eventually(t, "what may be embedded is", func() bool { return status(t, site).Embedded[providerSpace] == 5 })
	for question, want := range map[string]string{severanceEN: "7351", severanceBothZH: "9758"} {
		if a := server.Ask(question); a.Provider != "ours" || !a.Grounded || !strings.Contains(a.Answer, want) {
			t.Errorf("%s: %+v, want an answer of our model with %s", question, a, want)
		}
	}
	// What they are answered from is nothing confidential; what they say is.
	for _, question := range []string{
		"Compare the return periods of headphones and of lamps for somebody with the diagnosis K4711, please",
		"我的诊断书编号是K4711，请比较标准包裹和加急包裹的退货运费，哪个更贵？",
	} {
		if a := server.Ask(question); a.Provider == "openai" {
			t.Errorf("%s: %+v, want no answer of a third party", question, a)
		}
	}
	converse(t, server, "ann", "c1", "How many days after delivery can I return an item with the diagnosis K4711?")
	converse(t, server, "ann", "c1", "And what about lamps?")
	for _, question := range []string{complexEN, complexZH} {
		if a := server.Ask(question); !a.Grounded || a.Provider != "openai" {
			t.Errorf("%s: %+v, want an answer of the third party", question, a)
		}
	}
	unseen(t, vendor)
	if strings.Contains(vendor.Received(), "K4711") {
		t.Errorf("the third party received what was asked: %s", vendor.Received())
	}
	holds(t, "what our model received", house.Received(), "7351", "9758", "K4711")
	server.Stop()
	healthy(t, server.Log)
}
