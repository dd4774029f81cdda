package offline

import (
	"context"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
	"kefu/internal/llm"
)

const (
	// EmbedderModel changes whenever Embedder would turn any text into another
	// vector: stored vectors of the old name are then made anew.
	EmbedderModel = "offline-hash-512-v3"
	// dimension was chosen by measurement: from 256 to 512 nDCG of the vectors
	// alone rises by 0.02 (English) to 0.18 (Chinese), from 512 to 1,024 by
	// less than 0.06, while cost doubles each time and the fusion with BM25
	// hardly notices.
	dimension = 512
)

// Weights of the features of a text. Word stems count more than their letters,
// and what carries no content counts little.
const (
	stemWeight     = 1.5
	lettersWeight  = 1.0
	hanWeight      = 1.0
	functionWeight = 0.3
)

// Embedder turns texts into vectors without a model and without a network:
// every feature of a text (word stem, 3 and 4 letters in a row, Han character
// and bigram) adds its dampened count to one of 512 places, with a sign, both
// chosen by hashing. Texts that share words, or parts of words, are near each
// other; synonyms and translations are not.
//
// It takes about 0.1 ms a passage and is safe for concurrent use.
type Embedder struct{}

// NewEmbedder returns the embedder. It needs no configuration.
func NewEmbedder() *Embedder { return &Embedder{} }

// Model is EmbedderModel.
func (*Embedder) Model() string { return EmbedderModel }

// Embed implements llm.Embedder. It is free: the allowance is not touched. The
// only error is a cancelled context. A text without features gets a fixed
// vector, so no vector is ever zero.
func (*Embedder) Embed(ctx context.Context, c llm.EmbedCall) (llm.Embeddings, error) {
	vectors := make([][]float32, len(c.Texts))
	for i, text := range c.Texts {
		if err := ctx.Err(); err != nil {
			return llm.Embeddings{}, &llm.Failure{Kind: llm.Cancelled, Provider: "offline", Model: EmbedderModel, Err: err}
		}
		vectors[i] = embed(string(text))
	}
	return llm.Embeddings{Vectors: vectors}, nil
}

func embed(text string) []float32 {
	sums := make([]float64, dimension)
	for _, f := range features(text) {
		x := f.weight * (1 + math.Log(float64(f.count)))
		if f.hash>>63 == 1 {
			x = -x
		}
		sums[f.hash%dimension] += x
	}
	squares := 0.0
	for _, x := range sums {
		squares += x * x
	}
	v := make([]float32, dimension)
	if squares == 0 {
		v[0] = 1
		return v
	}
	length := math.Sqrt(squares)
	for i, x := range sums {
		v[i] = float32(x / length)
	}
	return v
}

// feature is one hashed feature of a text and how often it occurs there.
type feature struct {
	hash   uint64
	weight float64
	count  int
}

// features returns the features of text in the order of their first
// occurrence, so that sums over them are the same to the last bit every time.
func features(text string) []feature {
	text = lang.Simplify(text)
	content := make(map[string]bool)
	contentHan := make(map[rune]bool)
	for _, term := range lang.ContentTerms(text) {
		content[term] = true
		for _, r := range term {
			contentHan[r] = true
		}
	}
	var found []feature
	index := make(map[uint64]int)
	add := func(kind byte, s string, base float64, content bool) {
		h := hash(kind, s)
		i, ok := index[h]
		if !ok {
			i = len(found)
			index[h] = i
			if !content {
				base *= functionWeight
			}
			found = append(found, feature{hash: h, weight: base})
		}
		found[i].count++
	}
	for _, term := range lang.Terms(text) {
		if first, _ := utf8.DecodeRuneInString(term); unicode.Is(unicode.Han, first) {
			add('h', term, hanWeight, content[term])
			continue
		}
		add('w', term, stemWeight, content[term])
	}
	for word := range strings.FieldsFuncSeq(lang.Normalise(text), noLetter) {
		eachLetters(word, func(letters string) { add('l', letters, lettersWeight, !lang.IsStopWord(word)) })
	}
	for _, r := range text {
		if unicode.Is(unicode.Han, r) {
			add('c', string(r), hanWeight, contentHan[r])
		}
	}
	return found
}

// noLetter separates the words whose letters are looked at: as written, since
// a stem has lost some of them.
func noLetter(r rune) bool {
	return unicode.Is(unicode.Han, r) || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
}

// eachLetters yields every 3 and 4 characters in a row of #word#.
func eachLetters(word string, yield func(string)) {
	runes := []rune("#" + word + "#")
	for n := 3; n <= 4; n++ {
		for i := 0; i+n <= len(runes); i++ {
			yield(string(runes[i : i+n]))
		}
	}
}

// hash is FNV-1a with a final mix, so that the high bits, too, depend on every
// byte. It must never change under one EmbedderModel.
func hash(kind byte, s string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := (uint64(offset) ^ uint64(kind)) * prime
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	return h ^ h>>33
}
