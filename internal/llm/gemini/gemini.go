// Package gemini speaks to the generateContent endpoints of Google's Gemini
// API. The official SDK is not used: it brings an authentication stack of many
// megabytes and hides how long a refused caller should wait.
package gemini

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

const defaultBaseURL = "https://generativelanguage.googleapis.com/v1beta"

// Config says where the vendor is reached.
type Config struct {
	// Name is the provider's name in failures, metrics and the ledger.
	// Default "gemini".
	Name string
	// BaseURL ends before "/models/". Default Google's own, v1beta.
	BaseURL string
	// Key is sent as x-goog-api-key, never within the address.
	Key string
	// HTTP is the client for all calls. Default wire.NewHTTPClient(0). It
	// should have no timeout of its own: that would cut long streams.
	HTTP *http.Client
}

// Provider is a Gemini model. It is safe for concurrent use.
type Provider struct {
	config Config
}

// New returns the provider that c describes.
func New(c Config) *Provider {
	if c.Name == "" {
		c.Name = "gemini"
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.HTTP == nil {
		c.HTTP = wire.NewHTTPClient(0)
	}
	return &Provider{config: c}
}

// Start implements llm.Provider.
func (p *Provider) Start(ctx context.Context, c llm.Call) (*llm.Reply, error) {
	x := &wire.Exchange{HTTP: p.config.HTTP}
	fault := x.Fault(ctx, p.config.Name, c.Model, judge(x))
	body, err := p.post(ctx, x, c)
	if err != nil {
		return nil, fault(err)
	}
	if c.Stream {
		return stream(body, fault)
	}
	reply, err := whole(body)
	if err != nil {
		return nil, fault(err)
	}
	return reply, nil
}

// post sends the call and returns the body of a reply with status 200.
func (p *Provider) post(ctx context.Context, x *wire.Exchange, c llm.Call) (io.ReadCloser, error) {
	payload, err := json.Marshal(requestOf(c))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
	}
	method := "generateContent"
	if c.Stream {
		method = "streamGenerateContent?alt=sse"
	}
	return p.send(ctx, x, http.MethodPost, c.Model, ":"+method, payload)
}

// send makes a request about a model; action stands behind its name.
func (p *Provider) send(ctx context.Context, x *wire.Exchange, method, model, action string, payload []byte) (io.ReadCloser, error) {
	address := p.config.BaseURL + "/models/" + url.PathEscape(model) + action
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("%w: address", errNotSent)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Goog-Api-Key", p.config.Key)
	response, err := x.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer response.Body.Close()
	return nil, readError(response.Body)
}

// whole reads a whole reply and closes it.
func whole(body io.ReadCloser) (*llm.Reply, error) {
	defer body.Close()
	var r response
	if err := json.NewDecoder(body).Decode(&r); err != nil {
		return nil, err
	}
	if r.Error != nil {
		return nil, wire.ErrNotJSON // an error with status 200
	}
	delta, finish, err := r.read()
	switch {
	case err != nil:
		return nil, err
	case finish == "":
		return nil, wire.ErrNotJSON
	case delta.Text == "" && len(delta.Calls) == 0:
		return nil, silence(finish)
	}
	return llm.WholeReply(delta.Text, r.usage(), delta.Calls...), nil
}
