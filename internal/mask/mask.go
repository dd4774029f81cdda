// Package mask replaces personal data by placeholders before text leaves the
// process, and puts it back only for the person who wrote it.
package mask

import (
	"fmt"
	"regexp"
	"strings"

	"kefu/internal/desk"
)

// kind is one sort of personal data. The pattern proposes, check decides.
type kind struct {
	name    string
	pattern *regexp.Regexp
	check   func(string) bool // nil: the pattern is enough
	// forget marks what is never given back, not even to its author: replies
	// have no reason to repeat it.
	forget bool
}

// Vault keeps what was replaced in one text. It lives as long as the request
// and is never stored. The zero Vault holds nothing.
type Vault struct {
	restore []string // placeholder, value, placeholder, value, …
	masked  bool
}

// Empty tells that the text held no personal data.
func (v Vault) Empty() bool { return !v.masked }

// Restore puts the author's own data back. Payment cards and credentials stay
// hidden.
func (v Vault) Restore(text desk.Masked) string {
	if len(v.restore) == 0 {
		return string(text)
	}
	return strings.NewReplacer(v.restore...).Replace(string(text))
}

// Masker finds personal data. It is safe for concurrent use.
type Masker struct{ kinds []kind }

// New returns a masker for e-mail addresses, credentials, payment cards
// (Luhn), Chinese resident identity numbers (GB 11643 check digit) and
// telephone numbers (Chinese mobile; international with a plus sign).
func New() *Masker {
	return &Masker{kinds: []kind{
		{name: "SECRET", forget: true, pattern: regexp.MustCompile(`\b(?:sk|pk|rk|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{16,}\b|\bAKIA[0-9A-Z]{16}\b`)},
		{name: "EMAIL", pattern: regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}`)},
		{name: "ID", pattern: regexp.MustCompile(`\b[1-9]\d{16}[\dXx]\b`), check: residentID},
		{name: "CARD", forget: true, pattern: regexp.MustCompile(`\b[2-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{3,4}\b|\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b`), check: luhn},
		{name: "PHONE", pattern: regexp.MustCompile(`\+\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,5}|\b(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}\b`), check: phoneLength},
	}}
}

// Mask replaces personal data in text. Equal values get equal placeholders.
// A text without any is returned as it is, at the cost of one scan.
func (m *Masker) Mask(text string) (desk.Masked, Vault) {
	if !suspicious(text) {
		return desk.Masked(text), Vault{}
	}
	original := text
	var v Vault
	for _, k := range m.kinds {
		seen := map[string]string{}
		text = k.pattern.ReplaceAllStringFunc(text, func(found string) string {
			if k.check != nil && !k.check(found) {
				return found
			}
			if p, ok := seen[found]; ok {
				return p
			}
			p := placeholder(k.name, len(seen)+1, original)
			seen[found] = p
			v.masked = true
			if !k.forget {
				v.restore = append(v.restore, p, found)
			}
			return p
		})
	}
	return desk.Masked(text), v
}

// placeholder picks the first free number: a customer may have typed
// something that looks like a placeholder.
func placeholder(name string, n int, text string) string {
	for {
		p := fmt.Sprintf("⟦%s_%d⟧", name, n)
		if !strings.Contains(text, p) {
			return p
		}
		n += 1000
	}
}

// suspicious is the cheap scan in front of the patterns: every kind has an at
// sign, at least seven digits, or a long run of token characters.
func suspicious(text string) bool {
	digits, run := 0, 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '@':
			return true
		case c >= '0' && c <= '9':
			digits++
			run++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c == '-':
			run++
		default:
			run = 0
		}
		if digits >= 7 || run >= 19 {
			return true
		}
	}
	return false
}

func digitsOf(s string) []int {
	var ds []int
	for i := range len(s) {
		if c := s[i]; c >= '0' && c <= '9' {
			ds = append(ds, int(c-'0'))
		}
	}
	return ds
}

// luhn checks the last digit of a payment card (ISO/IEC 7812-1).
func luhn(s string) bool {
	ds, sum := digitsOf(s), 0
	for i := range ds {
		d := ds[len(ds)-1-i]
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return len(ds) >= 13 && sum%10 == 0
}

// residentID checks the eighteenth character of GB 11643-1999.
func residentID(s string) bool {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(s[i]-'0') * w
	}
	last := s[17]
	if last == 'x' {
		last = 'X'
	}
	return "10X98765432"[sum%11] == last
}

// phoneLength holds the bounds of E.164.
func phoneLength(s string) bool {
	n := len(digitsOf(s))
	return n >= 8 && n <= 15
}
