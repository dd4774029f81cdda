package route

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// shipped holds the weights that `kefu router train` wrote.
//
//go:embed weights.bin
var shipped []byte

// model corrects the log odds of the rules by what labelled questions teach.
type model struct {
	languages [2]weights // English, Chinese
	trained   []uint32   // hashes of the questions it was trained on, sorted
}

// weights are the log odds of a language's features, in steps of scale.
type weights struct {
	scale float32
	steps [buckets]int8
}

// odds is what the features add: their weights over the root of their number,
// so that long questions do not shout.
func (w *weights) odds(f *features) float64 {
	sum := int32(0)
	for _, b := range f.buckets {
		sum += int32(w.steps[b])
	}
	return float64(w.scale) * float64(sum) / math.Sqrt(float64(max(len(f.buckets), 1)))
}

// quantised rounds weights to steps of a 127th of the greatest.
func quantised(from []float64) (w weights) {
	most := 0.0
	for _, x := range from {
		most = max(most, math.Abs(x))
	}
	if most == 0 {
		return w
	}
	w.scale = float32(most / 127)
	for i, x := range from {
		w.steps[i] = int8(math.Round(x / float64(w.scale)))
	}
	return w
}

// fingerprint identifies a question, however it is spelled.
func fingerprint(question string) uint32 { return hash(0, lang.Normalise(question)) }

func (m *model) knows(question string) bool {
	_, found := slices.BinarySearch(m.trained, fingerprint(question))
	return found
}

const magic = "kefu-route-2"

// MarshalBinary returns the weights of the router in the form that Load reads.
func (r *Router) MarshalBinary() ([]byte, error) {
	out := []byte(magic)
	for i := range r.model.languages {
		w := &r.model.languages[i]
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(w.scale))
		for _, s := range w.steps {
			out = append(out, byte(s))
		}
	}
	for _, h := range r.model.trained {
		out = binary.LittleEndian.AppendUint32(out, h)
	}
	return out, nil
}

// Load returns a router with weights that MarshalBinary wrote.
func Load(raw []byte) (*Router, error) {
	const size = 4 + buckets
	m := new(model)
	if len(raw) < len(magic)+2*size || string(raw[:len(magic)]) != magic {
		return nil, errors.New("route: not a file of router weights")
	}
	rest := raw[len(magic):]
	for i := range m.languages {
		w := &m.languages[i]
		w.scale = math.Float32frombits(binary.LittleEndian.Uint32(rest))
		if math.IsNaN(float64(w.scale)) || math.IsInf(float64(w.scale), 0) {
			return nil, errors.New("route: the scale of the weights is not finite")
		}
		for n, b := range rest[4:size] {
			w.steps[n] = int8(b)
		}
		rest = rest[size:]
	}
	if len(rest)%4 != 0 {
		return nil, errors.New("route: the weights are cut off")
	}
	for ; len(rest) > 0; rest = rest[4:] {
		m.trained = append(m.trained, binary.LittleEndian.Uint32(rest))
	}
	if !slices.IsSorted(m.trained) {
		return nil, errors.New("route: the weights are damaged")
	}
	return &Router{model: m, version: fmt.Sprintf("%s+%08x", rulesVersion, crc32.ChecksumIEEE(raw))}, nil
}

// index is the place of a language in a model.
func index(l desk.Lang) int {
	if l == desk.Chinese {
		return 1
	}
	return 0
}
