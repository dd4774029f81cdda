package retrieval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kefu/internal/desk"
)

// Vectors are the vectors of passages that only name theirs (Item.Key): they
// are kept and searched outside of the index. Implementations are safe for
// concurrent use.
type Vectors interface {
	// Nearest returns the n vectors nearest to one of length 1, best first, all
	// where there are fewer; others are how similar those of the given keys are,
	// in any order. Keys without a vector of that dimension are left out.
	Nearest(ctx context.Context, to []float32, n int, keys []string) (nearest, others []Similar, err error)
}

// Similar tells how similar the vector of a key is.
type Similar struct {
	Key    string
	Cosine float64 // in [-1,1]
}

// ErrVectors says that the vectors kept outside could not be compared. What
// was found is then found by words alone.
var ErrVectors = errors.New("vectors cannot be compared")

const (
	// outsideTimeout bounds what a search waits for vectors kept outside; a
	// healthy database takes milliseconds.
	outsideTimeout = time.Second
	// Where too many of the nearest belong to no live passage, as those of
	// earlier releases, so many times as many are asked for, so often.
	outsideWider, outsideRounds = 4, 4
)

// outside is what a search was told of vectors outside: cosines by key. It is
// nil where none were asked.
type outside map[string]float64

// lookOutside asks for the vectors nearest to a question and those of passages
// found by its words. An error that is not of ctx wraps ErrVectors.
func (ix *Index) lookOutside(ctx context.Context, vectors Vectors, vector []float32, n int, byWords []found) (outside, error) {
	if vectors == nil || vector == nil {
		return nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, outsideTimeout)
	defer cancel()
	told := make(outside, n+len(byWords))
	keys := ix.keys(byWords)
	for range outsideRounds {
		nearest, others, err := vectors.Nearest(limited, vector, n, keys)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrVectors, err)
		}
		live := 0
		for _, s := range nearest {
			told[s.Key] = s.Cosine
			live += len(ix.named(s.Key))
		}
		for _, s := range others {
			told[s.Key] = s.Cosine
		}
		if live >= min(n, ix.live) || len(nearest) < n {
			break
		}
		n, keys = outsideWider*n, nil
	}
	return told, nil
}

// keys are those of passages whose vectors are outside, each once.
func (ix *Index) keys(of []found) []string {
	var keys []string
	for _, f := range of {
		if key := ix.parts[f.part].keys[f.place]; key != "" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// named are the live passages that name a vector.
func (ix *Index) named(key string) []found {
	var list []found
	for at, p := range ix.parts {
		first, _ := slices.BinarySearchFunc(p.byKey, key, func(i int32, key string) int { return cmp.Compare(p.keys[i], key) })
		for _, i := range p.byKey[first:] {
			if p.keys[i] != key {
				break
			}
			if !p.dead.has(i) {
				list = append(list, found{part: at, place: i})
			}
		}
	}
	return list
}

// cosine is the similarity of a passage, wherever its vector is; false where
// there is nothing to compare.
func (p part) cosine(i int32, vector []float32, told outside) (float64, bool) {
	if v := p.vectors[i]; sameSpace(v, vector) {
		return dot(vector, v), true
	}
	cosine, ok := told[p.keys[i]]
	return cosine, ok && p.keys[i] != ""
}

// Compare tells passages that were found by words, in their field Vector, how
// similar they are to the question where their vectors are kept outside. An
// error that is not of ctx wraps ErrVectors, and they are as they were.
func (ix *Index) Compare(ctx context.Context, q Query, passages []desk.Passage) error {
	var places []found
	for _, p := range passages {
		if at, place, ok := ix.find(p.ID); ok {
			places = append(places, found{part: at, place: place})
		}
	}
	vector := unit(q.Vector)
	if len(ix.keys(places)) == 0 {
		return nil
	}
	told, err := ix.lookOutside(ctx, q.Vectors, vector, 0, places)
	if err != nil {
		return err
	}
	for n, p := range passages {
		if at, place, ok := ix.find(p.ID); ok {
			if cosine, ok := ix.parts[at].cosine(place, vector, told); ok {
				passages[n].Vector = cosine
			}
		}
	}
	return nil
}
