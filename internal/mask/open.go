package mask

import (
	"strings"
	"sync"

	"kefu/internal/desk"
)

// Open is a vault that grows while an answer is composed, by what tools return
// on the asker's behalf. It is safe for concurrent use and never stored.
type Open struct {
	masker *Masker
	asker  Vault

	mu      sync.Mutex
	found   map[string]string // personal data → placeholder, of all texts
	taken   map[string]bool   // placeholders in use
	restore []string          // placeholder, value, …: the asker's and the tools'
}

// Open returns a vault that begins with what the asker wrote.
func (m *Masker) Open(asker Vault) *Open {
	o := &Open{masker: m, asker: asker, found: map[string]string{}, taken: map[string]bool{}}
	for i := 0; i < len(asker.restore); i += 2 {
		o.keep(asker.restore[i], asker.restore[i+1])
	}
	return o
}

func (o *Open) keep(placeholder, value string) {
	o.found[value], o.taken[placeholder] = placeholder, true
	o.restore = append(o.restore, placeholder, value)
}

// Mask replaces personal data in what a tool returned. Values that were seen
// before keep their placeholder; no other value gets it.
func (o *Open) Mask(text string) desk.Masked {
	masked, v := o.masker.mask(text, Out)
	if len(v.restore) == 0 {
		return masked
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var renamed []string
	for i := 0; i < len(v.restore); i += 2 {
		mine, value := v.restore[i], v.restore[i+1]
		p, known := o.found[value]
		if !known {
			p = o.free(mine, text)
			o.keep(p, value)
		}
		renamed = append(renamed, mine, p)
	}
	return desk.Masked(strings.NewReplacer(renamed...).Replace(string(masked)))
}

// free is a placeholder of the same kind that stands for nothing yet.
func (o *Open) free(placeholderOf, text string) string {
	name := Type(strings.TrimPrefix(placeholderOf[:strings.LastIndexByte(placeholderOf, '_')], "⟦"))
	for n := 1; ; n++ {
		if p := placeholder(name, n, text); !o.taken[p] {
			return p
		}
	}
}

// Restore puts the asker's own data back, for tools that act for them. What
// tools returned is not given to other tools.
func (o *Open) Restore(text desk.Masked) string { return o.asker.Restore(text) }

// Show puts all data back, for the asker to read.
func (o *Open) Show(text desk.Masked) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.restore) == 0 {
		return string(text)
	}
	return strings.NewReplacer(o.restore...).Replace(string(text))
}
