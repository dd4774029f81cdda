package mask_test

import (
	_ "embed"
	"slices"
	"strings"
	"testing"

	"kefu/internal/mask"
)

//go:embed testdata/cases.txt
var cases string

// What looks alike is told apart: each line of the file is found exactly as it
// is marked, by place and type, and nothing beside it.
func TestFindingsAreExactByPlaceAndType(t *testing.T) {
	m := mask.New()
	var kind mask.Type
	n := 0
	for line := range strings.SplitSeq(cases, "\n") {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			kind = mask.Type(name)
			continue
		}
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		text, want := marked(line, kind)
		if got := m.Find(text); !slices.Equal(got, want) {
			t.Errorf("%s: in %q found %v, want %v", kind, text, got, want)
		}
		n++
	}
	if n < 390 {
		t.Errorf("read %d cases, want all of them", n)
	}
}

// marked takes the braces from a line, and returns what stands within them.
func marked(line string, kind mask.Type) (text string, want []mask.Span) {
	pieces := strings.FieldsFunc(line, func(r rune) bool { return r == '}' })
	for i, piece := range pieces {
		before, value, found := strings.Cut(piece, "{")
		text += before
		if found && i < strings.Count(line, "}") {
			want = append(want, mask.Span{Start: len(text), End: len(text) + len(value), Type: kind})
		}
		text += value
	}
	return text, want
}
