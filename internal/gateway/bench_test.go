package gateway

import (
	"context"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// idler observes and records nothing.
type idler struct{}

func (idler) Attempt(ctx context.Context, _, _ string, _ desk.Purpose) (context.Context, func(desk.Attempt)) {
	return ctx, func(desk.Attempt) {}
}
func (idler) FirstDelta(string, time.Duration)          {}
func (idler) NextDelta(string, time.Duration)           {}
func (idler) Decided(context.Context, desk.Decision)    {}
func (idler) Breaker(string, string, int, string)       {}
func (idler) Begin(context.Context, desk.Attempt) error { return nil }
func (idler) Note(desk.Attempt)                         {}
func (idler) End(desk.Attempt)                          {}

// BenchmarkStart measures what the gateway adds to a provider that answers at
// once: six sources of 2 KB each.
func BenchmarkStart(b *testing.B) {
	noop := providerFunc(func(context.Context, llm.Call) (*llm.Reply, error) {
		return llm.WholeReply("hello", desk.Usage{Prompt: 3000, Completion: 100}), nil
	})
	text := strings.Repeat("商品可在签收后30天内退货。 Items may be returned. ", 33)
	g := New(Config{Prices: prices(b)}, map[llm.Tier][]Target{llm.Cheap: {paid("acme", small, noop)}}, idler{})
	for _, stream := range []bool{false, true} {
		b.Run(map[bool]string{false: "whole", true: "stream"}[stream], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := question(llm.NewAllowance(llm.Grant{Attempts: 4, Deadline: time.Now().Add(time.Minute)}, idler{}))
				c.Stream = stream
				for range 6 {
					c.Prompt.Sources = append(c.Prompt.Sources, desk.Passage{Title: "Returns", Chunk: desk.Chunk{Text: text, Tokens: 600}})
				}
				reply, err := g.Start(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := reply.Text(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
