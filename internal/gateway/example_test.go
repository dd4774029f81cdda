package gateway_test

import (
	"context"
	"fmt"
	"time"

	"kefu/internal/desk"
	"kefu/internal/gateway"
	"kefu/internal/llm"
	"kefu/internal/llm/price"
)

// down is a provider that cannot be reached, quoting one that always answers.
type down struct{}

func (down) Start(_ context.Context, c llm.Call) (*llm.Reply, error) {
	return nil, &llm.Failure{Kind: llm.Unreachable, Model: c.Model}
}

type quoting struct{}

func (quoting) Start(context.Context, llm.Call) (*llm.Reply, error) {
	return llm.WholeReply("“Items may be returned within 30 days.” [1]", desk.Usage{}), nil
}

// printing observes fallbacks and is a ledger that keeps nothing.
type printing struct{}

func (printing) Attempt(ctx context.Context, _, _ string, _ desk.Purpose) (context.Context, func(desk.Attempt)) {
	return ctx, func(desk.Attempt) {}
}
func (printing) FirstDelta(string, time.Duration)          {}
func (printing) NextDelta(string, time.Duration)           {}
func (printing) Breaker(string, string, int, string)       {}
func (printing) Begin(context.Context, desk.Attempt) error { return nil }
func (printing) Note(desk.Attempt)                         {}
func (printing) End(desk.Attempt)                          {}
func (printing) Decided(_ context.Context, d desk.Decision) {
	fmt.Printf("%s is %s, asking %s\n", d.From, d.Reason, d.To)
}

func ExampleGateway_Start() {
	prices, err := price.Default()
	if err != nil {
		fmt.Println(err)
		return
	}
	models := gateway.New(gateway.Config{Prices: prices}, map[llm.Tier][]gateway.Target{llm.Cheap: {
		{Provider: "acme", Model: "gpt-6-luna", Deployments: []gateway.Deployment{{Adapter: down{}}}},
		{Provider: "offline", Model: "extractive", Deployments: []gateway.Deployment{{Adapter: quoting{}}}, LastResort: true},
	}}, printing{})

	grant := llm.Grant{Attempts: 4, Deadline: time.Now().Add(20 * time.Second)}
	reply, err := models.Start(context.Background(), llm.Call{
		Tier: llm.Cheap, Purpose: desk.PurposeAnswer, Allowance: llm.NewAllowance(grant, printing{}),
		Prompt: llm.Prompt{Question: "How long may I return a kettle?"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := reply.Text()
	fmt.Println(text, reply.Degraded)
	// Output:
	// gpt-6-luna is unreachable, asking extractive
	// “Items may be returned within 30 days.” [1] true
}
