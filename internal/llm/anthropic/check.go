package anthropic

import (
	"context"

	vendor "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"kefu/internal/llm/wire"
)

// Check implements llm.Checker.
func (p *Provider) Check(ctx context.Context, model string) error {
	x := &wire.Exchange{HTTP: p.http}
	if _, err := p.models.Get(ctx, model, vendor.ModelGetParams{}, option.WithHTTPClient(x)); err != nil {
		return x.Fault(ctx, p.name, model, judge)(err)
	}
	return nil
}
