package lang

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kljensen/snowball/english"
)

// Twice as many words as places take the places of each other.
func TestARememberedStemIsTheStem(t *testing.T) {
	var m memory
	var askers sync.WaitGroup
	for asker := range 4 {
		askers.Go(func() {
			for n := range 2 * len(m.places) {
				word := fmt.Sprintf("%swarrantings", letters((n+asker*997)%(2*len(m.places))))
				for range 2 {
					if got, want := m.of(word), english.Stem(word, true); got != want {
						t.Errorf("stem of %q = %q, want %q", word, got, want)
						return
					}
				}
			}
		})
	}
	askers.Wait()
}

// letters spells a number.
func letters(n int) (s string) {
	for ; n > 0; n /= 26 {
		s += string(rune('a' + n%26))
	}
	return s
}
