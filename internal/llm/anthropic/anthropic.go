// Package anthropic speaks to Anthropic's Messages endpoint, and to vendors
// that offer the same, through the official SDK.
package anthropic

import (
	"context"
	"fmt"
	"net/http"
	"time"

	vendor "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// defaultMaxTokens bounds the completion of a call that does not: the endpoint
// refuses calls without a bound.
const defaultMaxTokens = 1024

// unlimited replaces the SDK's own limit on a whole reply, which refuses long
// completions before it sends them. The limits are the caller's context's.
const unlimited = 24 * time.Hour

// Config says where a vendor is reached.
type Config struct {
	// Name is the provider's name in failures, metrics and the ledger.
	// Default "anthropic".
	Name string
	// BaseURL ends before "/v1/messages". Default Anthropic's own.
	BaseURL string
	// Key is sent as x-api-key.
	Key string
	// HTTP is the client for all calls. Default wire.NewHTTPClient(0). It
	// should have no timeout of its own: that would cut long streams.
	HTTP *http.Client
}

// Provider is a chat model behind the Messages endpoint. It is safe for
// concurrent use.
type Provider struct {
	name     string
	http     *http.Client
	messages vendor.MessageService
	models   vendor.ModelService
}

// New returns the provider that c describes. Nothing is read from the
// environment.
func New(c Config) *Provider {
	if c.Name == "" {
		c.Name = "anthropic"
	}
	if c.HTTP == nil {
		c.HTTP = wire.NewHTTPClient(0)
	}
	options := []option.RequestOption{
		option.WithEnvironmentProduction(), // its address, no variables
		option.WithAPIKey(c.Key),
		option.WithMaxRetries(0),
		option.WithRequestTimeout(unlimited),
		option.WithoutOpenTelemetry(),
	}
	if c.BaseURL != "" {
		options = append(options, option.WithBaseURL(c.BaseURL))
	}
	return &Provider{name: c.Name, http: c.HTTP, messages: vendor.NewMessageService(options...), models: vendor.NewModelService(options...)}
}

// Why a reply without text ended, where that is known.
var (
	errSpent  = fmt.Errorf("%w: token limit reached before any text", wire.ErrInvalid)
	errNoRoom = fmt.Errorf("%w: context window is full", wire.ErrEmpty)
)

// Start implements llm.Provider.
func (p *Provider) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	x := &wire.Exchange{HTTP: p.http}
	fault := x.Fault(ctx, p.name, c.Model, judge)
	if c.Stream {
		return p.stream(ctx, x, c, fault)
	}
	message, err := p.messages.New(ctx, params(c), option.WithHTTPClient(x))
	if err != nil {
		return nil, fault(err)
	}
	said, err := read(message)
	if err != nil {
		return nil, fault(err)
	}
	return llm.WholeReply(said.Text, usageOf(message.Usage), said.Calls...), nil
}

// read returns what the model said: a text, calls of tools, or both.
func read(m *vendor.Message) (llm.Delta, error) {
	if m.StopReason == vendor.StopReasonRefusal {
		return llm.Delta{}, wire.ErrDeclined // whatever was said before
	}
	var said llm.Delta
	for _, block := range m.Content {
		switch block.Type { // not thinking
		case "text":
			said.Text += block.Text
		case "tool_use":
			said.Calls = append(said.Calls, llm.ToolCall{ID: block.ID, Name: block.Name, Arguments: string(block.Input)})
		}
	}
	switch {
	case m.StopReason == "":
		return llm.Delta{}, wire.ErrNotJSON // also a 200 that holds an error
	case said.Text == "" && said.Calls == nil:
		return llm.Delta{}, silence(m.StopReason)
	default:
		return said, nil
	}
}

// silence says why a reply that ended by itself has no text.
func silence(reason vendor.StopReason) error {
	switch reason {
	case vendor.StopReasonMaxTokens:
		return errSpent
	case vendor.StopReasonModelContextWindowExceeded:
		return errNoRoom
	default:
		return wire.ErrEmpty
	}
}

// params translates a call.
func params(c llm.Call) vendor.MessageNewParams {
	p := vendor.MessageNewParams{Model: c.Model, MaxTokens: int64(c.MaxTokens)}
	if c.MaxTokens == 0 {
		p.MaxTokens = defaultMaxTokens
	}
	said := c.Prompt.Messages()
	if first := said[0]; first.Role == "system" {
		said = said[1:]
		if first.Text != "" { // an empty block is refused
			p.System = []vendor.TextBlockParam{{Text: first.Text}}
		}
	}
	p.Messages = messages(said)
	offerTools(&p, c)
	t := traitsOf(c.Model)
	if t.samples {
		p.Temperature = vendor.Float(c.Temperature)
	}
	t.thinking.restrain(&p)
	return p
}

// usageOf translates a usage: Anthropic counts what came from the cache, and
// what was written to it, beside the input tokens.
func usageOf(u vendor.Usage) desk.Usage {
	return desk.Usage{
		Prompt:     int(u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens),
		Completion: int(u.OutputTokens),
		Cached:     int(u.CacheReadInputTokens),
		CacheWrite: int(u.CacheCreationInputTokens),
		Reasoning:  int(u.OutputTokensDetails.ThinkingTokens),
	}
}
