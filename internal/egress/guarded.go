package egress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"kefu/internal/desk"
)

// guarded bounds every exchange and checks its URL. It implements
// http.RoundTripper.
type guarded struct {
	policy   *policy
	next     http.RoundTripper
	timeout  time.Duration
	maxBytes int64
}

// RoundTrip implements http.RoundTripper. Its errors, and those of the body,
// are *desk.Error.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.policy.check(r.URL); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.timeout)
	response, err := g.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		defer cancel()
		return nil, failed(ctx, err)
	}
	response.Body = &body{ReadCloser: response.Body, ctx: ctx, cancel: cancel, max: g.maxBytes, left: g.maxBytes}
	if response.ContentLength > g.maxBytes && r.Method != http.MethodHead {
		response.Body.Close()
		return nil, errTooLarge(g.maxBytes)
	}
	return response, nil
}

// CloseIdleConnections is what http.Client asks of its transport.
func (g *guarded) CloseIdleConnections() {
	if t, ok := g.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// body is a reply's body within its bounds.
type body struct {
	io.ReadCloser
	ctx    context.Context // of the exchange, which the body is a part of
	cancel context.CancelFunc
	max    int64
	left   int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge(b.max)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = failed(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

func errTooLarge(limit int64) *desk.Error {
	return &desk.Error{
		Kind: desk.TooLarge, Code: CodeTooLarge, Public: "The other side sent too much.",
		Err: fmt.Errorf("more than %d bytes", limit),
	}
}
