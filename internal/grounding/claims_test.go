package grounding_test

import (
	"testing"

	"kefu/internal/grounding"
)

func TestUnsupportedClaimsAreCaughtAndParaphrasesKept(t *testing.T) {
	wrong, caught, honest, kept := 0, 0, 0, 0
	for _, c := range grounding.Cases() {
		holds := c.Holds(grounding.Verify(c.Answer, c.Passages()))
		switch {
		case c.Supported():
			honest++
			if holds {
				kept++
				continue
			}
		default:
			wrong++
			if !holds {
				caught++
				continue
			}
		}
		t.Logf("%s %s: %s", c.Lang, c.Kind, c.Answer)
	}
	if wrong+honest < 200 || float64(caught) < 0.95*float64(wrong) || float64(kept) < 0.95*float64(honest) {
		t.Errorf("caught %d of %d unsupported claims, kept %d of %d paraphrases, want 95 %% of each", caught, wrong, kept, honest)
	}
}
