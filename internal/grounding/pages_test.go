package grounding_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/grounding"
)

// TestSentencesInTheMannerOfLanguageModels is harder than the written cases:
// free paraphrases and plausible falsehoods about whole pages of the sample, where
// every passage of the page is a source. What is judged wrongly is logged.
func TestSentencesInTheMannerOfLanguageModels(t *testing.T) {
	raw, err := os.ReadFile("testdata/pages.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var kept, honest, caught, wrong int
	for line := range strings.Lines(string(raw)) {
		var page struct {
			Passages []struct{ Title, Heading, Text string }
			Claims   []struct {
				Holds bool
				Text  string
			}
		}
		if err := json.Unmarshal([]byte(line), &page); err != nil {
			t.Fatal(err)
		}
		var sources []desk.Passage
		for _, p := range page.Passages {
			sources = append(sources, desk.Passage{Chunk: desk.Chunk{Heading: p.Heading, Text: p.Text}, Title: p.Title})
		}
		for _, c := range page.Claims {
			v := grounding.Verify(c.Text, sources)
			switch {
			case c.Holds && v.Holds():
				kept++
			case !c.Holds && !v.Holds():
				caught++
			default:
				t.Logf("holds: %v, %s: %s", c.Holds, v.Grounds[0].Reason, c.Text)
			}
			if c.Holds {
				honest++
			} else {
				wrong++
			}
		}
	}
	t.Logf("kept %d of %d, caught %d of %d", kept, honest, caught, wrong)
	if float64(kept) < 0.8*float64(honest) || float64(caught) < 0.6*float64(wrong) {
		t.Errorf("kept %d of %d honest sentences, want 80 %%; caught %d of %d wrong ones, want 60 %%", kept, honest, caught, wrong)
	}
}
