package access

import (
	"slices"
	"testing"

	"kefu/internal/desk"
)

func TestNamesAreFoundAsWholeWords(t *testing.T) {
	n := newNames([]desk.Tenant{
		{ID: "default", Name: "Default"}, {ID: "umbrella", Name: "Umbrella Corp"}, {ID: "own", Name: "Globex"}, {ID: "san", Name: "伞公司"}, {ID: "x", Name: "X1"}, {ID: "oe", Name: "Öl & Gas"},
	})
	for text, want := range map[string][]string{
		"Ask Umbrella Corp.":        {"umbrella corp"},
		"umbrella corp, öl & gas!":  {"umbrella corp", "öl & gas"},
		"Umbrella Corporation":      nil,
		"MyUmbrella Corp":           nil,
		"请联系伞公司办理":                  {"伞公司"},
		"Globex is the asker's own": nil,
		"by default X1 is on":       nil,
		"":                          nil,
	} {
		if got := n.in(text, "own"); !slices.Equal(got, want) {
			t.Errorf("in %q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{ // and what is not held back
		"Ask Umb":            "Ask ",
		"Ask Umbrella Corp":  "Ask ",
		"Ask Umbrella Corp.": "Ask Umbrella Corp.",
		"Ask U":              "Ask U",
		"请联系伞公":              "请联系",
		"请联系伞":               "请联系",
		"Ask Glob":           "Ask Glob",
		"Öl &":               "",
	} {
		if got := text[:n.begun(text, "own")]; got != want {
			t.Errorf("of %q %q is said, want %q", text, got, want)
		}
	}
}
