package gemini

import (
	"context"
	"net/http"

	"kefu/internal/llm/wire"
)

// Check implements llm.Checker.
func (p *Provider) Check(ctx context.Context, model string) error {
	x := &wire.Exchange{HTTP: p.config.HTTP}
	body, err := p.send(ctx, x, http.MethodGet, model, "", nil)
	if err != nil {
		return x.Fault(ctx, p.config.Name, model, judge(x))(err)
	}
	return body.Close()
}
