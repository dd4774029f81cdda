package route

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/lang"
)

// buckets is how many weights the learned features of a language share. With
// some thousand labelled questions more buckets win nothing.
const buckets = 1 << 14

// features are the learned features of one question: each is a bucket, taken
// once.
type features struct {
	buckets []uint16
	named   bool     // whether texts are kept
	texts   []string // what each bucket was read from
	seen    [buckets / 64]uint64
}

// Kinds of features: equal texts of different kinds are different features.
const (
	oneWord uint32 = iota + 1
	twoWords
	opening
	shape
	letters
	ending
	magnitude
	signed
)

// add takes the feature with this hash, read from text.
func (f *features) add(hash uint32, text string) {
	b := (hash ^ hash>>16) * 0x45d9f3b
	b = (b ^ b>>15) % buckets
	if bit := uint64(1) << (b % 64); f.seen[b/64]&bit == 0 {
		f.seen[b/64] |= bit
		f.buckets = append(f.buckets, uint16(b))
		if f.named {
			f.texts = append(f.texts, text)
		}
	}
}

// hash is FNV-1a of a text, begun with its kind.
func hash(kind uint32, text string) uint32 {
	h := 2166136261 ^ kind*0x9e3779b1
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h
}

// mix is the hash of two features in a row.
func mix(kind, a, b uint32) uint32 { return (a*31+b)*16777619 ^ kind*0x9e3779b1 }

// read collects the features of a normalised question.
func (f *features) read(text string, chinese bool) {
	f.add(mix(magnitude, uint32(min(size(text)/3, 20)), 0), "length")
	if chinese {
		f.han(text)
	} else {
		f.words(text)
	}
}

// words are the features of English: words, pairs of words, how the question
// opens, its shape (function words, with one mark for each run of others, in
// twos and threes), and four letters in a row within a word.
func (f *features) words(text string) {
	var last, mark, before uint32
	n, start := 0, 0
	for start < len(text) {
		end := start
		for end < len(text) {
			r, size := utf8.DecodeRuneInString(text[end:])
			if r != '\'' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				break
			}
			end += size
		}
		if end == start {
			_, size := utf8.DecodeRuneInString(text[start:])
			start += size
			continue
		}
		word := text[start:end]
		h := hash(oneWord, word)
		f.add(h, word)
		if n > 0 {
			f.add(mix(twoWords, last, h), word)
		}
		if n < 3 {
			f.add(mix(opening, h, uint32(n)), word)
		}
		next := content
		if lang.IsStopWord(word) {
			next = h
		}
		if next != content || mark != content {
			f.add(mix(shape, mark, next), "shape")
			f.add(mix(shape, mix(shape, before, mark), next), "shape")
			before, mark = mark, next
		}
		for i := 0; i+4 <= len(word); i++ {
			f.add(hash(letters, word[i:i+4]), word)
		}
		last, start = h, end
		n++
	}
	f.add(mix(ending, mark, 0), "shape")
}

// han are the features of Chinese: characters alone, in twos and in threes,
// and those that the question opens and ends with.
func (f *features) han(text string) {
	one, two, n := 0, 0, 0 // where the last character and that before it begin
	for i, r := range text {
		size := max(utf8.RuneLen(r), 1)
		if r == utf8.RuneError {
			_, size = utf8.DecodeRuneInString(text[i:])
		}
		end := i + size
		f.add(hash(oneWord, text[i:end]), text[i:end])
		if n > 0 {
			f.add(hash(twoWords, text[one:end]), text[one:end])
		}
		if n > 1 {
			f.add(hash(letters, text[two:end]), text[two:end])
		}
		if n < 2 {
			f.add(hash(opening, text[:end]), text[:end])
		}
		two, one = one, i
		n++
	}
	f.add(mix(magnitude, uint32(strings.Count(text, "的")), 1), "的")
	f.add(hash(ending, text[two:]), strings.TrimSpace(text[two:]))
	f.add(hash(ending, text[one:]), strings.TrimSpace(text[one:]))
}

// content is the mark of a run of content words or characters in a shape.
const content uint32 = 1
