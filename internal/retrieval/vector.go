package retrieval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/philippgille/chromem-go"
)

// unit returns v with length 1, nil when that is impossible: chromem would
// store a zero vector as NaN and spoil every result. v itself is returned when
// it is near enough for chromem not to copy it.
func unit(v []float32) []float32 {
	squares := 0.0
	for _, x := range v {
		squares += float64(x) * float64(x)
	}
	if squares == 0 || math.IsNaN(squares) || math.IsInf(squares, 0) {
		return nil
	}
	length := math.Sqrt(squares)
	if math.Abs(length-1) < 1e-6 {
		return v
	}
	scaled := make([]float32, len(v))
	for i, x := range v {
		scaled[i] = float32(float64(x) / length)
	}
	return scaled
}

// sameSpace reports that both vectors exist and have one dimension.
func sameSpace(a, b []float32) bool { return a != nil && len(a) == len(b) }

// dot is the cosine similarity of two vectors of length 1 and one dimension.
func dot(a, b []float32) float64 {
	b = b[:len(a)]
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return min(max(float64(sum), -1), 1)
}

// newCollections puts the vectors into one chromem collection a dimension. A
// document's id is the place of the passage: chromem holds neither texts nor
// metadata, so nothing in it can be shared or changed by accident.
func newCollections(ctx context.Context, vectors [][]float32) (map[int]*chromem.Collection, error) {
	db := chromem.NewDB()
	collections := make(map[int]*chromem.Collection)
	for i, v := range vectors {
		if v == nil {
			continue
		}
		c := collections[len(v)]
		if c == nil {
			var err error
			if c, err = db.CreateCollection(strconv.Itoa(len(v)), nil, noEmbedding); err != nil {
				return nil, fmt.Errorf("create collection of dimension %d: %w", len(v), err)
			}
			collections[len(v)] = c
		}
		if err := c.AddDocument(ctx, chromem.Document{ID: strconv.Itoa(i), Embedding: v}); err != nil {
			return nil, fmt.Errorf("add vector %d: %w", i, err)
		}
	}
	return collections, nil
}

// noEmbedding stands where chromem would call a model: every document and
// every query of ours brings its vector.
func noEmbedding(context.Context, string) ([]float32, error) {
	return nil, errors.New("no vector given")
}

// nearest returns the places of the n live passages nearest to query, or all
// that have a vector of its dimension, in no order.
func (p part) nearest(ctx context.Context, query []float32, n int) ([]int32, error) {
	c := p.collections[len(query)]
	if c == nil {
		return nil, nil
	}
	// The dead may be the nearest; asking for more than there are is an error,
	// and the collection never changes, so Count is safe to rely on.
	results, err := c.QueryEmbedding(ctx, query, min(n+p.dead.count, c.Count()), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("search vectors: %w", err)
	}
	if err := ctx.Err(); err != nil { // chromem returns what it had by then
		return nil, err
	}
	places := make([]int32, 0, n)
	for _, r := range results {
		i, err := strconv.Atoi(r.ID)
		if err != nil {
			return nil, fmt.Errorf("search vectors: %w", err)
		}
		if at := int32(i); !p.dead.has(at) && len(places) < n {
			places = append(places, at)
		}
	}
	return places, nil
}
