package mask_test

import (
	"maps"
	"regexp"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/mask"
)

func TestWhatToolsReturnIsMaskedBesideWhatTheAskerWrote(t *testing.T) {
	m := mask.New()
	question, vault := m.Mask("I am ann@example.com, where is order 10023?")
	o := m.Open(vault)

	first := o.Mask("sent to bob@example.com, ordered by ann@example.com")
	if first != "sent to ⟦EMAIL_2⟧, ordered by ⟦EMAIL_1⟧" {
		t.Errorf("masked = %q", first)
	}
	if again := o.Mask("bob@example.com and +44 20 7946 0000"); again != "⟦EMAIL_2⟧ and ⟦PHONE_1⟧" {
		t.Errorf("masked again = %q", again)
	}
	if got := o.Restore(question + " " + first); got != "I am ann@example.com, where is order 10023? sent to ⟦EMAIL_2⟧, ordered by ann@example.com" {
		t.Errorf("a tool is given %q", got)
	}
	if got := o.Show(first); got != "sent to bob@example.com, ordered by ann@example.com" {
		t.Errorf("the asker is shown %q", got)
	}
}

func TestAPlaceholderThatAToolWroteStandsForNothingNew(t *testing.T) {
	m := mask.New()
	o := m.Open(mask.Vault{})
	if got := o.Mask("⟦EMAIL_1⟧ is not bob@example.com"); got == "⟦EMAIL_1⟧ is not ⟦EMAIL_1⟧" {
		t.Errorf("masked = %q", got)
	}
	if got := o.Show("⟦EMAIL_1⟧"); got != "⟦EMAIL_1⟧" {
		t.Errorf("the asker is shown %q for what nobody wrote", got)
	}
}

func TestCardsThatToolsReturnStayHidden(t *testing.T) {
	o := mask.New().Open(mask.Vault{})
	masked := o.Mask("paid with 4111 1111 1111 1111")
	if got := o.Show(masked); got != "paid with ⟦CARD_1⟧" || masked != desk.Masked(got) {
		t.Errorf("masked %q, shown %q", masked, got)
	}
}

// told counts values by type and direction.
type told map[string]int

func (t told) Masked(typ, direction string, values int) { t[typ+" "+direction] += values }

func TestWhatIsMaskedIsToldOnceWithWhereItComesFrom(t *testing.T) {
	seen := told{}
	m := mask.New(mask.Pattern{Type: "MEMBER", Regexp: regexp.MustCompile(`M-\d{4}`)}).Observed(seen)
	_, vault := m.Mask("ann@example.com or ann@example.com? bob@example.com, M-1234, card 4111 1111 1111 1111")
	m.Mask("Where is my parcel?")
	o := m.Open(vault)
	o.Mask("paid with 4111 1111 1111 1111 by ann@example.com")
	if want := (told{"EMAIL in": 2, "MEMBER in": 1, "CARD in": 1, "EMAIL out": 1, "CARD out": 1}); !maps.Equal(seen, want) {
		t.Errorf("told %v, want %v", seen, want)
	}
}
