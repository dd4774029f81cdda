// Package openai speaks to OpenAI and to every vendor that is compatible with
// its chat and embeddings endpoints, through go-openai.
package openai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// Config says where a vendor is reached.
type Config struct {
	// Name is the provider's name in failures, metrics and the ledger.
	// Default "openai".
	Name string
	// BaseURL ends before "/chat/completions". Default OpenAI's own.
	BaseURL string
	// Key is sent as a bearer token; empty for servers that ask for none.
	Key string
	// HTTP is the client for all calls. Default wire.NewHTTPClient(0). It should
	// have no timeout of its own: that would cut long streams.
	HTTP *http.Client
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "openai"
	}
	if c.HTTP == nil {
		c.HTTP = wire.NewHTTPClient(0)
	}
	return c
}

// client makes the go-openai client of one exchange. It costs two small
// allocations and gives each call its own place for what go-openai hides.
func (c Config) client(x *exchange) *vendor.Client {
	config := vendor.DefaultConfig(c.Key)
	if c.BaseURL != "" {
		config.BaseURL = c.BaseURL
	}
	config.HTTPClient = x
	// Blank lines count as empty messages: the idle limit of the gateway bounds
	// them, not their number.
	config.EmptyMessagesLimit = math.MaxInt32
	return vendor.NewClientWithConfig(config)
}

// Provider is a chat model behind an OpenAI-compatible endpoint. It is safe
// for concurrent use.
type Provider struct {
	config Config
}

// New returns the provider that c describes.
func New(c Config) *Provider {
	return &Provider{config: c.withDefaults()}
}

var (
	errNoChoice  = fmt.Errorf("%w: no choices", wire.ErrInvalid)
	errNotVector = fmt.Errorf("%w: embedding is empty, zero or not finite", wire.ErrInvalid)
	errNotSent   = errors.New("call cannot be written as JSON")
	errMissing   = fmt.Errorf("%w: not one embedding for each text", wire.ErrInvalid)
)

// Start implements llm.Provider.
func (p *Provider) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	request := chatRequest(c)
	body, err := bodyOf(request, c)
	if err != nil {
		return nil, &llm.Failure{Kind: llm.BadRequest, Provider: p.config.Name, Model: c.Model, Err: errNotSent}
	}
	x := &exchange{Exchange: wire.Exchange{HTTP: p.config.HTTP}, body: body, events: c.Stream}
	fault := p.config.failureOf(ctx, x, c.Model)
	if c.Stream {
		return p.stream(ctx, x, request, fault)
	}
	response, err := p.config.client(x).CreateChatCompletion(ctx, request)
	if err != nil {
		return nil, fault(err)
	}
	message, err := messageOf(response)
	if err != nil {
		return nil, fault(err)
	}
	return llm.WholeReply(message.Content, usageOf(&response.Usage), callsOf(message.ToolCalls)...), nil
}

// messageOf is what the model said: a text, calls of tools, or both.
func messageOf(r vendor.ChatCompletionResponse) (vendor.ChatCompletionMessage, error) {
	if len(r.Choices) == 0 {
		return vendor.ChatCompletionMessage{}, errNoChoice // also a 200 that holds an error
	}
	choice := r.Choices[0]
	if err := stoppedShort(choice.FinishReason); err != nil {
		return choice.Message, err
	}
	choice.Message.Content = spoken(choice.Message.Content)
	switch {
	case choice.Message.Content != "", len(choice.Message.ToolCalls) > 0:
		return choice.Message, nil
	case choice.Message.Refusal != "":
		return choice.Message, wire.ErrDeclined
	default:
		return choice.Message, wire.ErrEmpty
	}
}

// stoppedShort reads a finish reason: nil where the model said all it would.
// Beside OpenAI's own there are those of Zhipu (sensitive, network_error), of
// OpenRouter and Mistral (error), DeepSeek (insufficient_system_resource), vLLM
// and SGLang (abort), which all come with what was written until then.
func stoppedShort(reason vendor.FinishReason) error {
	switch reason {
	case vendor.FinishReasonContentFilter, "sensitive":
		return wire.ErrFiltered
	case "error", "network_error", "insufficient_system_resource", "abort":
		return llm.ErrCut
	default:
		return nil
	}
}

// chatRequest is c without its messages and its temperature.
func chatRequest(c llm.Call) vendor.ChatCompletionRequest {
	r := vendor.ChatCompletionRequest{Model: c.Model, Stream: c.Stream}
	offerTools(&r, c)
	if c.Stream { // refused by the real endpoint on any other call
		r.StreamOptions = &vendor.StreamOptions{IncludeUsage: true}
	}
	if reasons(c.Model) {
		r.MaxCompletionTokens = c.MaxTokens
		return r
	}
	//lint:ignore SA1019 compatible servers know no other name for it
	r.MaxTokens = c.MaxTokens
	return r
}

// reasons reports OpenAI's reasoning models, which take neither a temperature
// nor max_tokens.
func reasons(model string) bool {
	for _, prefix := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, prefix) {
			return true
		}
	}
	return false
}

// usageOf translates a usage; an absent one is zero.
func usageOf(u *vendor.Usage) desk.Usage {
	if u == nil {
		return desk.Usage{}
	}
	out := desk.Usage{Prompt: u.PromptTokens, Completion: u.CompletionTokens}
	if d := u.PromptTokensDetails; d != nil {
		out.Cached = d.CachedTokens
	}
	if d := u.CompletionTokensDetails; d != nil {
		out.Reasoning = d.ReasoningTokens
	}
	return out
}
