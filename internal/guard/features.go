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

// near is how far apart two concepts count as a pair, in half words: a letter
// of a script without spaces counts as one.
const near = 24

// passages cuts a folded text into overlapping stretches of about stretch
// words, so that an instruction within a long text is as loud as one alone.
func passages(text string) []features {
	tokens, found := scan(text)
	found = append(found, formal(text, tokens)...)
	if len(tokens) <= stretch+stretch/2 {
		return []features{read(found, tokens, 0, len(tokens)+1)}
	}
	var out []features
	for from := 0; ; from += stretch / 2 {
		if from+stretch >= len(tokens) {
			return append(out, read(found, tokens, from, len(tokens)+1))
		}
		out = append(out, read(found, tokens, from, from+stretch))
	}
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

// scan cuts a folded text into tokens and finds the concepts among them in one
// pass, so that both count the same words.
func scan(text string) (tokens []token, found []mention) {
	tokens = make([]token, 0, len(text)/4+4)
	inWord, place, sentence := false, 0, 0
	for i, r := range text {
		solid := unicode.IsLetter(r) || unicode.IsDigit(r) || inWord && (r == '\'' || unicode.IsMark(r))
		inside := solid && inWord && inWords(r)
		switch {
		case !solid:
			inWord = false
			if strings.ContainsRune(".?!。？！\n", r) {
				sentence++
			}
		case inside:
			last := &tokens[len(tokens)-1]
			last.hash = fnv(last.hash, text[i:i+utf8.RuneLen(r)])
		default:
			inWord = inWords(r)
			tokens = append(tokens, token{fnv(seed, text[i:i+utf8.RuneLen(r)]), !inWord})
			place++
			if inWord {
				place++
			}
		}
		if inside {
			continue
		}
		word := len(tokens)
		if !solid {
			word++ // a sign belongs to what follows it
		}
		for _, p := range phrases[beginning(text[i:])] {
			if strings.HasPrefix(text[i:], p.text) && (p.open || !p.word || ends(text, i+len(p.text))) {
				found = append(found, mention{word, place, sentence, i, i + len(p.text), p.concept})
			}
		}
	}
	return tokens, found
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
			if next.word > to || next.place > m.place+near {
				break
			}
			if next.concept != m.concept && next.at >= m.end && (next.sentence == m.sentence || !excuses[m.concept] && !excuses[next.concept]) {
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
