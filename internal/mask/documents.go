package mask

import (
	"regexp"
	"strings"
)

// document is a personal number with letters in it.
type document struct {
	kind    Type
	pattern *regexp.Regexp
	check   func(string) bool // of the match without blanks, in capitals; nil: none
}

// papers are read only.
var papers = []document{
	{Passport, regexp.MustCompile(`\b(?:[EGeg]\d{8}|[Ee][A-Za-z]\d{7}|[DSPdsp][Ee]\d{7}|[HMChmc]\d{8}(?:\d{2})?)\b`), nil},
	{NationalID, regexp.MustCompile(`\b(?:\d{8}-?|[XYZxyz]-?\d{7}-?)[A-Za-z]\b`), spanishID},
	{NationalID, regexp.MustCompile(`\b[STFGMstfgm]\d{7}[A-Za-z]\b`), singaporeID},
	{NationalID, regexp.MustCompile(`\b[A-Za-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]\b`), insurance},
	{NationalID, regexp.MustCompile(`\b\d{6}[-+A-FUVWXY]\d{3}[0-9A-FHJ-NPR-Y]\b`), finnishID},
	{NationalID, regexp.MustCompile(`\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b`), fiscalCode},
	{NationalID, regexp.MustCompile(`\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b`), nil},
}

// documents looks for passports and for numbers with letters.
func (t *scanned) documents() {
	if t.digits < fewestDigits || !t.letters {
		return
	}
	for _, p := range papers {
		for _, at := range p.pattern.FindAllStringIndex(t.s, -1) {
			if !t.apart(at[0], at[1]) {
				continue
			}
			bare := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(t.s[at[0]:at[1]]))
			before := t.s[max(0, at[0]-wordsBefore):at[0]]
			if (p.check == nil || p.check(bare)) && !ordered.MatchString(before) {
				t.add(p.kind, at[0], at[1])
			}
		}
	}
}

// number is the value of decimal digits.
func number(s string) int {
	n := 0
	for _, d := range digits(s) {
		n = n*10 + d
	}
	return n
}

// spanishID checks the last letter of NIF and NIE.
func spanishID(s string) bool {
	if i := strings.IndexByte("XYZ", s[0]); i >= 0 {
		s = string(rune('0'+i)) + s[1:]
	}
	return "TRWAGMYFPDXBNJZSQVHLCKE"[number(s[:8])%23] == s[8]
}

// singaporeID checks the last letter of NRIC and FIN.
func singaporeID(s string) bool {
	sum := weighted(s[1:8], 2, 7, 6, 5, 4, 3, 2)
	switch s[0] {
	case 'S':
		return "JZIHGFEDCBA"[sum%11] == s[8]
	case 'T':
		return "JZIHGFEDCBA"[(sum+4)%11] == s[8]
	case 'F':
		return "XWUTRQPNMLK"[sum%11] == s[8]
	case 'G':
		return "XWUTRQPNMLK"[(sum+4)%11] == s[8]
	}
	return "KLJNPQRTUWX"[10-(sum+3)%11] == s[8] // M
}

// insurance refuses the prefixes that British national insurance numbers never
// have.
func insurance(s string) bool {
	return !strings.ContainsAny(s[:2], "DFIQUV") && s[1] != 'O' &&
		!strings.Contains(" BG GB KN NK NT TN ZZ ", " "+s[:2]+" ")
}

// finnishID checks the last character; "-" has been taken out.
func finnishID(s string) bool {
	if len(s) == 11 {
		s = s[:6] + s[7:]
	}
	return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number(s[:9])%31] == s[9]
}
