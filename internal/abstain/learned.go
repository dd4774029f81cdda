package abstain

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"math"
	"slices"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// shipped is what `kefu abstain train` wrote.
//
//go:embed learned.json
var shipped []byte

// learned is what a judge goes by and what it learned it from.
type learned struct {
	// Weights are the log odds of "answerable" for each feature, by language.
	Weights map[desk.Lang]map[string]float64 `json:"weights"`
	// From are the fingerprints of the questions, sorted.
	From []uint32 `json:"from"`
}

// Load returns the judge that MarshalJSON wrote.
func Load(raw []byte) (Judge, error) {
	var l learned
	if err := json.Unmarshal(raw, &l); err != nil {
		return Judge{}, fmt.Errorf("abstain: %w", err)
	}
	return Judge{l, fmt.Sprintf("%08x", crc32.ChecksumIEEE(raw))}, nil
}

// MarshalJSON writes the judge, its weights rounded to what matters.
func (j Judge) MarshalJSON() ([]byte, error) {
	rounded := learned{From: j.learned.From, Weights: make(map[desk.Lang]map[string]float64)}
	for l, of := range j.learned.Weights {
		rounded.Weights[l] = make(map[string]float64, len(of))
		for name, x := range of {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("abstain: the weight of %s is not finite", name)
			}
			rounded.Weights[l][name] = math.Round(x*1000) / 1000
		}
	}
	return json.Marshal(rounded)
}

// Knows tells whether the judge was fitted to the question, asked of this set:
// how it decides it says little about how it decides others.
func (j Judge) Knows(set, question string) bool {
	_, found := slices.BinarySearch(j.learned.From, fingerprint(set, question))
	return found
}

// fingerprint identifies a question to a set, however it is spelled.
func fingerprint(set, question string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(set + "\n" + lang.Normalise(question)))
	return h.Sum32()
}
