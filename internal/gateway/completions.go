package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/llm"
)

// Completions keeps the replies of models, by a digest of everything that the
// vendor was sent. Implementations are safe for concurrent use; a reply that is
// lost costs another call.
type Completions interface {
	Completion(ctx context.Context, tenant desk.TenantID, digest string) ([]byte, bool)
	KeepCompletion(ctx context.Context, tenant desk.TenantID, digest string, completion []byte)
}

// ProviderCache stands for the provider in the ledger when a kept reply was given:
// no vendor was called, and it cost nothing.
const ProviderCache = "cache"

// remembered returns the reply kept for the same call, or asks for one and keeps
// it. Only whole replies at temperature 0 and without tools are kept: others would
// not be the same each time. They are kept as the vendor sent them, not yet
// verified against their sources.
func (t *target) remembered(ctx context.Context, c llm.Call, ask func() (*llm.Reply, error)) (*llm.Reply, error) {
	if t.completions == nil || c.Stream || c.Temperature != 0 || len(c.Tools) > 0 || len(c.Prompt.Rounds) > 0 {
		return ask()
	}
	digest := t.digest(c)
	if text, ok := t.completions.Completion(ctx, c.Allowance.Tenant(), digest); ok {
		length, _ := measure(c.Model, c.Prompt)
		hit := c.Allowance.Free(llm.Intent{Provider: ProviderCache, Model: t.Model, Purpose: c.Purpose, PromptLength: length})
		hit.End(desk.Usage{}, 0, utf8.RuneCount(text), nil)
		return llm.WholeReply(string(text), desk.Usage{}), nil
	}
	reply, err := ask()
	if err != nil {
		return nil, err
	}
	first, err := reply.Next()
	if err != nil { // the contract rules it out
		return nil, err
	}
	t.completions.KeepCompletion(ctx, c.Allowance.Tenant(), digest, []byte(first.Text))
	return llm.NewReply(first, reply), nil
}

// digest identifies a call by everything that the vendor is sent.
func (t *target) digest(c llm.Call) string {
	type source struct{ Title, Heading, URL, Question, Text string }
	sources := make([]source, len(c.Prompt.Sources))
	for i, s := range c.Prompt.Sources {
		sources[i] = source{s.Title, s.Heading, s.URL, s.Question, s.Text}
	}
	whole, err := json.Marshal(struct {
		Provider, Model, System string
		Question                desk.Masked
		Lang                    desk.Lang
		MaxTokens               int
		Sources                 []source
	}{t.Provider, t.Model, c.Prompt.System, c.Prompt.Question, c.Prompt.Lang, c.MaxTokens, sources})
	if err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	sum := sha256.Sum256(whole)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
