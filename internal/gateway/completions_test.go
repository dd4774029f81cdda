package gateway

import (
	"context"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// shelf keeps completions.
type shelf map[string][]byte

func (s shelf) Completion(_ context.Context, tenant desk.TenantID, digest string) ([]byte, bool) {
	text, ok := s[string(tenant)+digest]
	return text, ok
}

func (s shelf) KeepCompletion(_ context.Context, tenant desk.TenantID, digest string, completion []byte) {
	s[string(tenant)+digest] = completion
}

func TestTheSameCallIsPaidForOnce(t *testing.T) {
	r := &recorder{}
	p := provider(answers("hello"), answers("another"))
	g := New(Config{Prices: prices(t), Completions: shelf{}}, map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, p)}}, r)
	for n := range 3 {
		a := grant(r)
		reply, text := mustText(t, g, question(a))
		if text != "hello" || reply.Provider != "acme" || reply.Model != small || p.count() != 1 {
			t.Errorf("call %d: %q by %s/%s, %d calls", n, text, reply.Provider, reply.Model, p.count())
		}
		row := a.Attempts()[0]
		if hit := n > 0; hit != (row.Provider == ProviderCache) || hit != (row.Cost == 0 && row.Usage.Total() == 0) || row.Model != small || !row.Priced {
			t.Errorf("call %d in the ledger: %+v", n, row)
		}
		if hit := n > 0; hit && a.Left() != 4 {
			t.Errorf("a hit took an attempt: %d left", a.Left())
		}
	}
}

func TestOnlyTheSameCallIsAHit(t *testing.T) {
	r := &recorder{}
	p := provider(answers("hello"))
	g := New(Config{Prices: prices(t), Completions: shelf{}}, map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, p)}}, r)
	base := func() llm.Call {
		c := question(grant(r))
		c.Prompt.Sources = sources(10, 20)
		return c
	}
	mustText(t, g, base())
	for name, change := range map[string]func(*llm.Call){
		"another question":  func(c *llm.Call) { c.Prompt.Question = "?" },
		"other words":       func(c *llm.Call) { c.Prompt.System = "Be brief." },
		"another source":    func(c *llm.Call) { c.Prompt.Sources = sources(10) },
		"a longer reply":    func(c *llm.Call) { c.MaxTokens = 9 },
		"another tenant":    func(c *llm.Call) { c.Allowance = grant(r, func(g *llm.Grant) { g.Tenant = "u" }) },
		"a stream":          func(c *llm.Call) { c.Stream = true },
		"some temperature":  func(c *llm.Call) { c.Temperature = 0.5 },
		"tools":             func(c *llm.Call) { c.Tools = []llm.ToolSpec{{Name: "order"}} },
		"an earlier result": func(c *llm.Call) { c.Prompt.Rounds = make([]llm.ToolRound, 1) },
	} {
		c, n := base(), p.count()
		change(&c)
		if mustText(t, g, c); p.count() != n+1 {
			t.Errorf("%s was answered from the cache", name)
		}
	}
	n := p.count()
	c := base()
	c.Prompt.Sources[0].Score = 0.5 // which the vendor is not sent
	if mustText(t, g, c); p.count() != n {
		t.Error("the same call was made again")
	}
}

func TestAFailureIsNotKept(t *testing.T) {
	r := &recorder{}
	p := provider(fails(llm.BadRequest), answers("hello"))
	g := New(Config{Prices: prices(t), Completions: shelf{}}, map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, p)}}, r)
	ask(t, g, r)
	if _, text := mustText(t, g, question(grant(r))); text != "hello" {
		t.Errorf("answered %q", text)
	}
}
