package guard

import (
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// buckets is how many weights the words share.
const buckets = 1 << 14

// features of one passage: what it mentions, and its words.
type features struct {
	concepts []uint16 // concepts, and pairs of them near each other in order
	words    []uint16 // hashes of words, pairs of words and Han n-grams
}

// near is how many words or Han characters apart two concepts count as a pair.
const near = 12

// passages cuts a folded text into overlapping stretches of about stretch
// words, so that an instruction within a long text is as loud as one alone.
func passages(text string) []features {
	found := mentions(text)
	tokens := tokenise(text)
	found = append(found, formal(text, tokens)...)
	if len(tokens) <= stretch+stretch/2 {
		return []features{read(found, tokens, 0, len(tokens)+1)}
	}
	var out []features
	for from := 0; from < len(tokens); from += stretch / 2 {
		out = append(out, read(found, tokens, from, from+stretch))
		if from+stretch >= len(tokens) {
			break
		}
	}
	return out
}

// formal finds what is told by form: at the end of the text, a word that is
// repeated many times and several questions with their answers.
func formal(text string, tokens []token) (out []mention) {
	n := len(concepts)
	row := 1
	for i := 1; i < len(tokens); i++ {
		if tokens[i] != tokens[i-1] {
			row = 1
		} else if row++; row == 8 {
			out = append(out, mention{word: i + 1, concept: uint8(n - 2)})
			break
		}
	}
	if strings.Count(text, " a:")+strings.Count(text, "\na:")+strings.Count(text, " r:") >= 2 && strings.Count(text, "q:")+strings.Count(text, "p:") >= 2 {
		out = append(out, mention{word: len(tokens), concept: uint8(n - 1)})
	}
	return out
}

// stretch is the length of a passage, in words or Han characters.
const stretch = 80

// token is the hash of a word or of a Han character.
type token struct {
	hash uint32
	han  bool
}

func tokenise(text string) []token {
	out := make([]token, 0, len(text)/4+4)
	h, inWord := uint32(0), false
	flush := func() {
		if inWord {
			out = append(out, token{hash: h})
			inWord = false
		}
	}
	for i, r := range text {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'':
			flush()
		case r < utf8.RuneSelf || spaced(r):
			if !inWord {
				h, inWord = seed, true
			}
			h = fnv(h, text[i:i+utf8.RuneLen(r)])
		default:
			flush()
			out = append(out, token{fnv(seed, text[i:i+utf8.RuneLen(r)]), true})
		}
	}
	flush()
	return out
}

const seed = 2166136261

func fnv(h uint32, s string) uint32 {
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// read collects the features of the words from to to.
func read(found []mention, tokens []token, from, to int) features {
	f := features{words: make([]uint16, 0, 2*min(len(tokens), to-from))}
	var seen [mostConcepts * (mostConcepts + 1) / 64]uint64
	concept := func(i int) {
		if bit := uint64(1) << (i % 64); seen[i/64]&bit == 0 {
			seen[i/64] |= bit
			f.concepts = append(f.concepts, uint16(i))
		}
	}
	n := len(concepts)
	for i, m := range found {
		if m.word <= from || m.word > to {
			continue
		}
		concept(int(m.concept))
		for _, next := range found[i+1:] {
			if next.word > min(to, m.word+near) {
				break
			}
			if next.concept != m.concept {
				concept(n + int(m.concept)*n + int(next.concept))
			}
		}
	}
	var words [buckets / 64]uint64
	add := func(kind, h uint32) {
		h = (h ^ kind*0x9e3779b1) * 0x45d9f3b
		b := uint16((h ^ h>>15) % buckets)
		if bit := uint64(1) << (b % 64); words[b/64]&bit == 0 {
			words[b/64] |= bit
			f.words = append(f.words, b)
		}
	}
	tokens = tokens[min(from, len(tokens)):min(to, len(tokens))]
	for i, t := range tokens {
		if !t.han {
			add(1, t.hash)
		}
		if i > 0 {
			add(2, tokens[i-1].hash*31+t.hash)
		}
		if i > 1 && t.han {
			add(3, (tokens[i-2].hash*31+tokens[i-1].hash)*31+t.hash)
		}
	}
	return f
}

// each is the weight of one word among n.
func each(n int) float64 { return volume / math.Sqrt(float64(max(n, fewestWords))) }

const (
	// volume is how loud the words are beside the concepts.
	volume = 1.5
	// fewestWords keeps the words of a short text from shouting.
	fewestWords = 12
)
