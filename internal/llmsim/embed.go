package llmsim

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"unicode"
)

// Bounds of one embedding request, as OpenAI's.
const (
	maxInputs         = 2048
	maxDimensions     = 4096
	defaultDimensions = 1536
)

type embedRequest struct {
	Model          string `json:"model"`
	Input          inputs `json:"input"`
	Dimensions     *int   `json:"dimensions"`
	EncodingFormat string `json:"encoding_format"`
}

// inputs is one text or several.
type inputs []string

func (in *inputs) UnmarshalJSON(b []byte) error {
	if !bytes.HasPrefix(b, []byte(`"`)) {
		return json.Unmarshal(b, (*[]string)(in))
	}
	*in = make(inputs, 1)
	return json.Unmarshal(b, &(*in)[0])
}

func (r embedRequest) dimensions() int {
	if r.Dimensions == nil {
		return defaultDimensions
	}
	return *r.Dimensions
}

// fault says what is wrong with the request; empty: nothing.
func (r embedRequest) fault() string {
	switch {
	case r.Model == "" || len(r.Model) > maxModel:
		return "you must provide a model parameter"
	case len(r.Input) == 0 || len(r.Input) > maxInputs:
		return fmt.Sprintf("'input' must hold 1 to %d texts", maxInputs)
	case r.dimensions() < 1 || r.dimensions() > maxDimensions:
		return fmt.Sprintf("'dimensions' must be from 1 to %d", maxDimensions)
	case r.EncodingFormat != "" && r.EncodingFormat != "float" && r.EncodingFormat != "base64":
		return "'encoding_format' must be float or base64"
	}
	for _, text := range r.Input {
		if text == "" {
			return "'input' cannot contain an empty string."
		}
	}
	return ""
}

func (x *exchange) embeddings() {
	var req embedRequest
	if !x.decode(&req) {
		return
	}
	if wrong := req.fault(); wrong != "" {
		x.invalid(wrong)
		return
	}
	x.entry.ID = "embd-" + x.entry.ID
	x.entry.Model = req.Model
	for _, text := range req.Input {
		x.entry.PromptTokens += countTokens(text)
	}
	f := x.fate(req.Model, false)
	if x.strike(f) {
		return
	}
	x.encodeEmbeddings(req)
	x.deliver(f.kind)
}

func (x *exchange) encodeEmbeddings(req embedRequest) {
	x.out.WriteString(`{"object":"list","data":[`)
	vector := make([]float32, req.dimensions())
	for i, text := range req.Input {
		embed(text, vector)
		b := x.out.AvailableBuffer()
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		if req.EncodingFormat == "base64" {
			b = appendBase64(b, vector)
		} else {
			b = appendFloats(b, vector)
		}
		x.out.Write(append(b, '}'))
	}
	b := append(x.out.AvailableBuffer(), `],"model":`...)
	b = appendString(b, req.Model)
	b = append(b, `,"usage":{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(x.entry.PromptTokens), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(x.entry.PromptTokens), 10)
	x.out.Write(append(b, `}}`...))
}

func appendFloats(b []byte, vector []float32) []byte {
	b = append(b, '[')
	for i, v := range vector {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	return append(b, ']')
}

func appendBase64(b []byte, vector []float32) []byte {
	raw := make([]byte, 0, 4*len(vector))
	for _, v := range vector {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}

// embed fills vector with the hashed character n-grams of text (two and three
// letters of a word with its borders, one and two Han characters), at length
// 1. Similar texts have similar vectors, the same text has the same vector in
// every process.
func embed(text string, vector []float32) {
	clear(vector)
	var before [2]rune // the characters just before, ' ' at a border
	before[0], before[1] = ' ', ' '
	for _, r := range text + " " {
		r = unicode.ToLower(r)
		switch classOf(r) {
		case han:
			addGram(vector, 1, r)
			if classOf(before[1]) == han {
				addGram(vector, 1, before[1], r)
			}
		case word:
			addGram(vector, 0.5, before[1], r)
			addGram(vector, 1, before[0], before[1], r)
		default:
			r = ' '
		}
		before[0], before[1] = before[1], r
	}
	normalise(vector)
}

func addGram(vector []float32, weight float32, gram ...rune) {
	h := fnv.New64a()
	var b [4]byte
	for _, r := range gram {
		binary.LittleEndian.PutUint32(b[:], uint32(r))
		_, _ = h.Write(b[:]) // never fails
	}
	sum := h.Sum64()
	if sum>>63 == 1 { // a sign lets colliding grams cancel out on average
		weight = -weight
	}
	vector[sum%uint64(len(vector))] += weight
}

// normalise scales vector to length 1; a text without letters gets a unit
// vector, since a vendor never returns zero.
func normalise(vector []float32) {
	var square float64
	for _, v := range vector {
		square += float64(v) * float64(v)
	}
	if square == 0 {
		vector[0] = 1
		return
	}
	scale := float32(1 / math.Sqrt(square))
	for i := range vector {
		vector[i] *= scale
	}
}
