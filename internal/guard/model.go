package guard

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
)

// shipped holds the weights that `kefu guard train` wrote.
//
//go:embed weights.bin
var shipped []byte

// model is what a guard has learned, quantised.
type model struct {
	bias            float64
	concepts, words quantised
	trained         []uint32 // fingerprints of the texts it was trained on, sorted
}

// quantised are weights in steps of scale.
type quantised struct {
	scale float64
	steps []int8
}

// quantise rounds weights to steps of a 127th of the greatest.
func quantise(from []float64) quantised {
	most := 0.0
	for _, x := range from {
		most = max(most, math.Abs(x))
	}
	q := quantised{float64(float32(max(most, 1e-6) / 127)), make([]int8, len(from))}
	for i, x := range from {
		q.steps[i] = int8(math.Round(x / q.scale))
	}
	return q
}

func (q quantised) sum(at []uint16) float64 {
	n := 0
	for _, i := range at {
		n += int(q.steps[i])
	}
	return q.scale * float64(n)
}

// odds is what the learned weights say of a passage.
func (m *model) odds(f *features) float64 {
	return m.bias + m.concepts.sum(f.concepts) + each(len(f.words))*m.words.sum(f.words)
}

// rules is what the rules alone say of a passage.
func (m *model) rules(f *features) float64 {
	sum := startBias
	for _, c := range f.concepts {
		sum += ruleWeights[c]
	}
	return sum
}

// ruleWeights are read only.
var ruleWeights = prior()

// commandOdds is what the rules say of a passage of a document.
func commandOdds(f *features) float64 {
	sum := startBias
	for _, c := range f.concepts {
		if !strings.Contains(namesByFeature[c], "password") {
			sum += ruleWeights[c]
		}
	}
	return sum
}

func fingerprint(text string) uint32 { return fnv(seed, fold(text).text) }

// Knows tells whether the guard was trained on the text.
func (g *Guard) Knows(text string) bool {
	_, found := slices.BinarySearch(g.model.trained, fingerprint(text))
	return found
}

const magic = "kefu-guard-1"

// MarshalBinary returns the weights in the form that Load reads.
func (g *Guard) MarshalBinary() ([]byte, error) {
	m := g.model
	out := []byte(magic)
	out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(m.bias)))
	for _, q := range []quantised{m.concepts, m.words} {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(q.steps)))
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(q.scale)))
		for _, s := range q.steps {
			out = append(out, byte(s))
		}
	}
	for _, h := range m.trained {
		out = binary.LittleEndian.AppendUint32(out, h)
	}
	return out, nil
}

func load(raw []byte) (*model, error) {
	r := reader{raw: raw}
	if string(r.take(len(magic))) != magic {
		return nil, errors.New("guard: not a file of guard weights")
	}
	n := len(concepts) * (len(concepts) + 1)
	m := &model{bias: r.float(), concepts: r.weights(n), words: r.weights(buckets)}
	for len(r.raw) >= 4 {
		m.trained = append(m.trained, r.number())
	}
	if r.short || len(r.raw) > 0 || !slices.IsSorted(m.trained) {
		return nil, errors.New("guard: the weights are damaged, or of another lexicon: train them again")
	}
	return m, nil
}

// reader takes a file apart; short tells that it ended too early or holds what
// it must not.
type reader struct {
	raw   []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.raw) {
		r.short, r.raw = true, nil
		return make([]byte, n)
	}
	out := r.raw[:n]
	r.raw = r.raw[n:]
	return out
}

func (r *reader) number() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

func (r *reader) float() float64 {
	f := float64(math.Float32frombits(r.number()))
	r.short = r.short || math.IsNaN(f) || math.IsInf(f, 0)
	return f
}

func (r *reader) weights(want int) quantised {
	if n := r.number(); int(n) != want {
		r.short = true
	}
	q := quantised{scale: r.float(), steps: make([]int8, want)}
	for i, b := range r.take(want) {
		q.steps[i] = int8(b)
	}
	return q
}
