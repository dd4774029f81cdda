// Package mask finds personal data and credentials in what customers write,
// replaces them by placeholders before the text leaves the process, and puts
// them back only for the person who wrote them.
//
// Numbers are masked where a check digit, a form that nothing else has, or the
// words in front of them say what they are. Order and parcel numbers are not
// personal and stay. All work is linear in the length of the text.
package mask

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// Type is one sort of what is masked, as it stands in placeholders.
type Type string

// The types that every masker knows.
const (
	Email      Type = "EMAIL"
	Phone      Type = "PHONE"
	Card       Type = "CARD"
	IBAN       Type = "IBAN"
	ResidentID Type = "CN_ID" // GB 11643
	Passport   Type = "PASSPORT"
	SSN        Type = "SSN"
	ITIN       Type = "ITIN"
	NationalID Type = "NATIONAL_ID" // of other countries
	IP         Type = "IP"
	MAC        Type = "MAC"
	Crypto     Type = "CRYPTO"
	Secret     Type = "SECRET" // passwords, keys, tokens
)

// Types are those of every masker, a closed set for metrics.
func Types() (names []string) {
	for _, t := range []Type{Email, Phone, Card, IBAN, ResidentID, Passport, SSN, ITIN, NationalID, IP, MAC, Crypto, Secret} {
		names = append(names, string(t))
	}
	return names
}

// forgotten types are never given back, not even to their author: replies have
// no reason to repeat them.
func (t Type) forgotten() bool { return t == Card || t == Secret }

// Span is one finding: text[Start:End], in bytes.
type Span struct {
	Start, End int
	Type       Type
}

// Vault keeps what was replaced in one text. It lives as long as the request
// and is never stored. The zero Vault holds nothing.
type Vault struct {
	restore []string // placeholder, value, placeholder, value, …
	masked  bool
}

// Empty tells that nothing in the text was masked.
func (v Vault) Empty() bool { return !v.masked }

// Restore puts the author's own data back. Payment cards and credentials stay
// hidden.
func (v Vault) Restore(text desk.Masked) string {
	if len(v.restore) == 0 {
		return string(text)
	}
	return strings.NewReplacer(v.restore...).Replace(string(text))
}

// Pattern is a kind of personal data of the operator's own: member numbers,
// for instance. Its matches are given back to their author.
type Pattern struct {
	Type   Type
	Regexp *regexp.Regexp
}

// Where a text comes from, a closed set for metrics.
const (
	In  = "in"  // from a customer
	Out = "out" // from a tool, on its way to one
)

// Observer is told what is masked.
type Observer interface {
	// Masked tells how many values of a type, each counted once, one text had.
	Masked(typ, direction string, values int)
}

// Masker finds personal data. It is safe for concurrent use.
type Masker struct {
	own []Pattern
	obs Observer // nil: nobody is told
}

// New returns a masker for every Type above and for the operator's own
// patterns, which are looked for last.
func New(own ...Pattern) *Masker { return &Masker{own: own} }

// Observed is m with an observer.
func (m *Masker) Observed(by Observer) *Masker { return &Masker{m.own, by} }

// Mask replaces what it finds in the text of a customer. Equal values get equal
// placeholders. A text without any is returned as it is, at the cost of one
// scan.
func (m *Masker) Mask(text string) (desk.Masked, Vault) { return m.mask(text, In) }

func (m *Masker) mask(text, direction string) (desk.Masked, Vault) {
	var v Vault
	original := text
	var names map[Type]int
	// What a finding leaves behind may look like something else: it is looked
	// through again until nothing is found.
	for range rounds {
		found := m.Find(text)
		if len(found) == 0 {
			break
		}
		if names == nil {
			names = map[Type]int{}
		}
		text = v.replace(text, found, names, original)
	}
	if m.obs != nil {
		for t, n := range names {
			m.obs.Masked(string(t), direction, n)
		}
	}
	return desk.Masked(text), v
}

const rounds = 4

func (v *Vault) replace(text string, found []Span, names map[Type]int, original string) string {
	type value struct {
		Type
		text string
	}
	seen := map[value]string{}
	var b strings.Builder
	last := 0
	for _, s := range found {
		val := value{s.Type, text[s.Start:s.End]}
		p, known := seen[val]
		if !known {
			names[s.Type]++
			p = placeholder(s.Type, names[s.Type], original)
			seen[val] = p
			if !s.Type.forgotten() {
				v.restore = append(v.restore, p, val.text)
			}
		}
		b.WriteString(text[last:s.Start])
		b.WriteString(p)
		last = s.End
	}
	v.masked = true
	b.WriteString(text[last:])
	return b.String()
}

// placeholder picks the first free number from n on: a customer may have typed
// something that looks like a placeholder.
func placeholder(t Type, n int, original string) string {
	for {
		p := fmt.Sprintf("⟦%s_%d⟧", t, n)
		if !strings.Contains(original, p) {
			return p
		}
		n += 1000
	}
}

// Placeholder matches what Mask puts in. Matches in a reply that do not stand
// in its question were made up.
var Placeholder = regexp.MustCompile(`⟦[A-Z][A-Z0-9_]{0,19}_\d{1,5}⟧`)

// Find returns what would be masked, in the order of the text and without
// overlaps.
func (m *Masker) Find(text string) []Span {
	if len(m.own) == 0 && !suspicious(text) {
		return nil
	}
	t := newText(text)
	for _, find := range []func(*scanned){
		(*scanned).cryptos, (*scanned).secrets, (*scanned).emails, (*scanned).ibans, (*scanned).addresses,
		(*scanned).numbers, (*scanned).documents,
	} {
		find(t)
	}
	for _, p := range m.own {
		for _, at := range p.Regexp.FindAllStringIndex(t.s, -1) {
			t.add(p.Type, at[0], at[1])
		}
	}
	return t.inOrder()
}

// Unsayable returns the credentials and payment cards of text, which no reply
// has a reason to say, in the order of the text. It looks for nothing else.
func (m *Masker) Unsayable(text string) []Span {
	if !suspicious(text) {
		return nil
	}
	t := newText(text)
	t.secrets()
	t.numbers()
	return slices.DeleteFunc(t.inOrder(), func(s Span) bool { return !s.Type.forgotten() })
}

// inOrder returns what was found, as places of the original text.
func (t *scanned) inOrder() []Span {
	slices.SortFunc(t.found, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	for i := range t.found {
		s := &t.found[i]
		s.Start, s.End = t.original(s.Start), t.original(s.End)
	}
	return t.found
}
