package guard

import (
	_ "embed"
	"strings"
)

// Texts of our own that every training learns from, one a line under the name of
// its kind: what the labelled sets that are at hand have too little of.
var (
	//go:embed lessons/attacks.txt
	attacks string
	//go:embed lessons/harmless.txt
	harmless string
)

// own are the project's own examples.
func own() []Example {
	return append(examples(attacks, true), examples(harmless, false)...)
}

func examples(lines string, attack bool) (all []Example) {
	kind := ""
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# "); ok {
			kind = name
		} else {
			all = append(all, Example{Text: line, Attack: attack, Source: "own", Category: kind})
		}
	}
	return all
}
