package grounding

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// Case is an answer of one sentence and what its verification must come to.
type Case struct {
	Lang string `json:"lang"`
	// Kind is paraphrase, which is supported, or what is wrong with the answer:
	// fabricated, number, negation or miscited, which says what source 1 says
	// but names source 2.
	Kind    string   `json:"kind"`
	Sources []string `json:"sources"`
	Answer  string   `json:"answer"`
}

// Supported tells whether the answer says what its source says.
func (c Case) Supported() bool { return c.Kind == "paraphrase" }

// Holds tells whether the answer passed as it was written.
func (c Case) Holds(v Verdict) bool {
	if c.Kind == "miscited" { // it may be set right
		return slices.ContainsFunc(v.Citations, func(cited desk.Citation) bool { return cited.Index != 1 })
	}
	return v.Holds()
}

// Passages are the sources as a search returns them.
func (c Case) Passages() []desk.Passage {
	list := make([]desk.Passage, len(c.Sources))
	for i, text := range c.Sources {
		list[i] = desk.Passage{Chunk: desk.Chunk{ID: desk.ChunkID(rune('a' + i)), Text: text, Lang: lang.Of(text)}}
	}
	return list
}

//go:embed testdata/claims.jsonl
var claims string

// Cases are this project's own, by which the verifier is measured.
func Cases() []Case {
	var list []Case
	lines := bufio.NewScanner(strings.NewReader(claims))
	for lines.Scan() {
		var c Case
		if err := json.NewDecoder(bytes.NewReader(lines.Bytes())).Decode(&c); err != nil {
			panic(err) // a part of the program
		}
		list = append(list, c)
	}
	return list
}
