// Package llm is the contract between Kefu and language models: what a call
// is, what comes back, how it may fail and what it may spend.
package llm

import (
	"context"
	"time"

	"kefu/internal/desk"
)

// Tier is a class of models by price and strength.
type Tier string

const (
	Cheap  Tier = "cheap"
	Strong Tier = "strong"
)

// Provider sends one call to one vendor. Implementations are safe for
// concurrent use and never retry. Every error is a *Failure with its Kind.
type Provider interface {
	// Start returns once the first delta, or the whole completion, has
	// arrived: an error means that nothing was seen.
	Start(ctx context.Context, c Call) (*Reply, error)
}

// Call is one request to a model.
type Call struct {
	Tier     Tier
	Model    string // the vendor's name for the model; filled in by the target
	Provider string // restricts the chain to one provider; empty: any
	// Private restricts the chain to models that show the prompt to no third
	// party, whatever Model and Provider ask for.
	Private bool
	Purpose desk.Purpose
	Prompt  Prompt
	// MaxTokens bounds the completion; 0 leaves it to the target's default.
	MaxTokens   int
	Temperature float64 // from 0, which is the default, to what the vendor allows
	// Stream asks for deltas as they are made; otherwise the reply is whole.
	Stream bool
	// Tools are what the model may ask for. With MustAnswer it may not ask for any
	// more, and has to answer from the results that it has.
	Tools      []ToolSpec
	MustAnswer bool
	// Allowance is what the answer may still spend; never nil.
	Allowance *Allowance
}

// Checker is a provider that can tell whether it would serve a model, at no cost.
type Checker interface {
	// Check returns nil when the endpoint is reached, accepts the key and knows the
	// model. Otherwise the error is a *Failure whose Kind says which of them failed.
	Check(ctx context.Context, model string) error
}

// Embedder turns texts into vectors. Implementations are safe for concurrent
// use, batch as their vendor allows and never retry.
type Embedder interface {
	// Embed returns one vector a text, in order, each of length 1 and of the
	// same dimension. Every error is a *Failure.
	Embed(ctx context.Context, c EmbedCall) (Embeddings, error)
	// Model identifies the vector space; vectors of different models are never
	// compared.
	Model() string
}

// EmbedCall is one request for embeddings.
type EmbedCall struct {
	Texts     []desk.Masked
	Allowance *Allowance // never nil
}

// Embeddings is the result of an EmbedCall.
type Embeddings struct {
	Vectors [][]float32
	Usage   desk.Usage
}

// DefaultAttemptTimeout bounds one attempt for a whole reply, unless the
// configuration says otherwise.
const DefaultAttemptTimeout = 30 * time.Second
