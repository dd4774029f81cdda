package openai

import (
	"context"
	"slices"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// Check implements llm.Checker. Where an endpoint shows no single model, as
// vLLM's, its list decides.
func (p *Provider) Check(ctx context.Context, model string) error {
	x := &exchange{Exchange: wire.Exchange{HTTP: p.config.HTTP}}
	fault := p.config.failureOf(ctx, x, model)
	client := p.config.client(x)
	_, err := client.GetModel(ctx, model)
	if err == nil {
		return nil
	}
	failure := fault(err)
	if llm.KindOf(failure) != llm.ModelGone {
		return failure
	}
	list, err := client.ListModels(ctx)
	if err == nil && slices.ContainsFunc(list.Models, func(m vendor.Model) bool { return m.ID == model }) {
		return nil
	}
	return failure
}
