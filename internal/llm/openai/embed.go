package openai

import (
	"context"
	"fmt"
	"math"
	"strconv"

	vendor "github.com/sashabaranov/go-openai"

	"kefu/internal/desk"
	"kefu/internal/llm"
	"kefu/internal/llm/wire"
)

// Bounds of one embeddings request. OpenAI takes 300,000 tokens at most, and
// no token is shorter than a byte.
const (
	maxBatch      = 256     // texts
	maxBatchBytes = 300_000 // of all texts together
)

// EmbedderConfig names an embedding model.
type EmbedderConfig struct {
	Config
	// Model is the vendor's name. Default "text-embedding-3-small".
	Model string
	// Dimensions shortens the vectors of models that can; 0 leaves them whole.
	Dimensions int
}

// Embedder is an embedding model behind an OpenAI-compatible endpoint. It is
// safe for concurrent use.
type Embedder struct {
	config EmbedderConfig
}

// NewEmbedder returns the embedder that c describes.
func NewEmbedder(c EmbedderConfig) *Embedder {
	c.Config = c.withDefaults()
	if c.Model == "" {
		c.Model = string(vendor.SmallEmbedding3)
	}
	return &Embedder{config: c}
}

// Model is the vendor's model, "@" and the number of dimensions, "native" when
// it was left to a model that is not known here.
func (e *Embedder) Model() string {
	dimensions := "native"
	if n := e.dimensions(); n != 0 {
		dimensions = strconv.Itoa(n)
	}
	return e.config.Model + "@" + dimensions
}

func (e *Embedder) dimensions() int {
	if e.config.Dimensions != 0 {
		return e.config.Dimensions
	}
	switch vendor.EmbeddingModel(e.config.Model) {
	case vendor.SmallEmbedding3, vendor.AdaEmbeddingV2:
		return 1536
	case vendor.LargeEmbedding3:
		return 3072
	}
	return 0
}

// Embed implements llm.Embedder. Many texts make several requests, one after
// another; when one fails, Usage holds what those before it cost.
func (e *Embedder) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	out := llm.Embeddings{Vectors: make([][]float32, 0, len(c.Texts))}
	for rest := c.Texts; len(rest) > 0; {
		n := batch(rest)
		vectors, usage, err := e.request(ctx, rest[:n])
		out.Usage = out.Usage.Plus(usage)
		if err != nil {
			return llm.Embeddings{Usage: out.Usage}, err
		}
		out.Vectors = append(out.Vectors, vectors...)
		rest = rest[n:]
	}
	return out, nil
}

// batch is how many of the texts, at least one, fit into one request.
func batch(texts []desk.Masked) int {
	bytes := 0
	for i, t := range texts {
		if bytes += len(t); i > 0 && (bytes > maxBatchBytes || i == maxBatch) {
			return i
		}
	}
	return len(texts)
}

func (e *Embedder) request(ctx context.Context, texts []desk.Masked) ([][]float32, desk.Usage, error) {
	x := &exchange{Exchange: wire.Exchange{HTTP: e.config.HTTP}}
	fault := e.config.failureOf(ctx, x, e.config.Model)
	input := make([]string, len(texts))
	for i, t := range texts {
		input[i] = string(t)
	}
	response, err := e.config.client(x).CreateEmbeddings(ctx, vendor.EmbeddingRequest{
		Input: input, Model: vendor.EmbeddingModel(e.config.Model), Dimensions: e.config.Dimensions,
		EncodingFormat: vendor.EmbeddingEncodingFormatFloat,
	})
	if err != nil {
		return nil, desk.Usage{}, fault(err)
	}
	usage := usageOf(&response.Usage)
	vectors, err := inOrder(response.Data, len(texts), e.dimensions())
	if err != nil {
		return nil, usage, fault(err)
	}
	return vectors, usage, nil
}

// inOrder returns the vectors by their index, normalised: servers may answer
// in any order. There must be want of them, of the given dimension; 0 stands
// for that of the first.
func inOrder(data []vendor.Embedding, want, dimension int) ([][]float32, error) {
	if len(data) != want {
		return nil, errMissing
	}
	vectors := make([][]float32, want)
	for _, d := range data {
		if dimension == 0 {
			dimension = len(d.Embedding)
		}
		switch {
		case d.Index < 0 || d.Index >= want || vectors[d.Index] != nil:
			return nil, errMissing
		case len(d.Embedding) != dimension:
			return nil, fmt.Errorf("%w: an embedding of %d dimensions, want %d", wire.ErrInvalid, len(d.Embedding), dimension)
		case !normalise(d.Embedding):
			return nil, errNotVector
		}
		vectors[d.Index] = d.Embedding
	}
	return vectors, nil
}

// normalise scales v to length 1 and reports whether that was possible.
func normalise(v []float32) bool {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if !(sum > 0) || math.IsInf(sum, 0) { // the negation also catches NaN
		return false
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range v {
		v[i] = float32(float64(x) * scale)
	}
	return true
}
