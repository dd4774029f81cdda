// Package openai speaks to OpenAI and to every vendor that is compatible with
// its chat and embeddings endpoints, through go-openai.
package openai

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/desk"
	"kefu/internal/llm"
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
	// HTTP is the client for all calls. Default NewHTTPClient(0). It should
	// have no timeout of its own: that would cut long streams.
	HTTP *http.Client
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "openai"
	}
	if c.HTTP == nil {
		c.HTTP = NewHTTPClient(0)
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
	// Blank lines and keep-alive comments count as empty messages: the idle
	// limit of the gateway bounds them, not their number.
	config.EmptyMessagesLimit = math.MaxInt32
	return vendor.NewClientWithConfig(config)
}

// NewHTTPClient returns a client that keeps at most maxConns connections to a
// host (0: 100), idle ones for 90 s, and that gives up connecting after 2 s.
func NewHTTPClient(maxConns int) *http.Client {
	if maxConns == 0 {
		maxConns = 100
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 4 * time.Second,
			ForceAttemptHTTP2:   true,
			MaxIdleConns:        maxConns,
			MaxIdleConnsPerHost: maxConns,
			MaxConnsPerHost:     maxConns,
			IdleConnTimeout:     90 * time.Second,
		},
		// An API that redirects is misconfigured, and the key must not follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
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
	errFiltered = errors.New("content filter stopped the reply")
	errDeclined = errors.New("model declined to answer")

	errInvalid   = errors.New("invalid reply")
	errEmpty     = fmt.Errorf("%w: no text", errInvalid)
	errNoChoice  = fmt.Errorf("%w: no choices", errInvalid)
	errNotJSON   = fmt.Errorf("%w: not the expected JSON", errInvalid)
	errTooLarge  = fmt.Errorf("%w: larger than 32 MiB", errInvalid)
	errNotVector = fmt.Errorf("%w: embedding is empty, zero or not finite", errInvalid)
	errMissing   = fmt.Errorf("%w: not one embedding of one dimension for each text", errInvalid)
)

// Start implements llm.Provider.
func (p *Provider) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	request := chatRequest(c)
	x := &exchange{http: p.config.HTTP, restoreZero: request.Temperature == zeroTemperature}
	fault := p.config.failureOf(ctx, x, c.Model)
	if c.Stream {
		return p.stream(ctx, x, request, fault)
	}
	response, err := p.config.client(x).CreateChatCompletion(ctx, request)
	if err != nil {
		return nil, fault(err)
	}
	text, err := textOf(response)
	if err != nil {
		return nil, fault(err)
	}
	return llm.WholeReply(text, usageOf(&response.Usage)), nil
}

func textOf(r vendor.ChatCompletionResponse) (string, error) {
	if len(r.Choices) == 0 {
		return "", errNoChoice // also a 200 that holds an error
	}
	choice := r.Choices[0]
	switch {
	case choice.FinishReason == vendor.FinishReasonContentFilter:
		return "", errFiltered
	case choice.Message.Content != "":
		return choice.Message.Content, nil
	case choice.Message.Refusal != "":
		return "", errDeclined
	default:
		return "", errEmpty
	}
}

func chatRequest(c llm.Call) vendor.ChatCompletionRequest {
	messages := c.Prompt.Messages()
	r := vendor.ChatCompletionRequest{
		Model:    c.Model,
		Messages: make([]vendor.ChatCompletionMessage, len(messages)),
		Stream:   c.Stream,
	}
	for i, m := range messages {
		r.Messages[i] = vendor.ChatCompletionMessage{Role: m.Role, Content: m.Text}
	}
	if c.Stream { // refused by the real endpoint on any other call
		r.StreamOptions = &vendor.StreamOptions{IncludeUsage: true}
	}
	if reasons(c.Model) {
		r.MaxCompletionTokens = c.MaxTokens
		return r // a temperature would be refused
	}
	//lint:ignore SA1019 compatible servers know no other name for it
	r.MaxTokens = c.MaxTokens
	r.Temperature = float32(c.Temperature)
	if c.Temperature == 0 {
		r.Temperature = zeroTemperature
	}
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
