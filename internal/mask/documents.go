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
	weak    bool              // many other things have the form: the text must vouch for it
	joints  string            // of which one stands in it where no letter stands beside a digit
}

// papers are read only.
var papers = []document{
	{Passport, regexp.MustCompile(`\b(?:[EGeg]\d{8}|[Ee][A-Za-z]\d{7}|[DSPdsp][Ee]\d{7})\b`), nil, false, ""},
	{Passport, regexp.MustCompile(`\b[HMChmc]\d{8}(?:\d{2})?\b`), nil, true, ""},
	{NationalID, regexp.MustCompile(`\b(?:\d{7}-|\d{8}-?|\d{1,2}\.\d{3}\.\d{3}-?|[XYZxyz]-?\d{7}-?)[A-Za-z]\b`), spanishID, false, "-"},
	{NationalID, regexp.MustCompile(`\b[STFGMstfgm]\d{7}[A-Za-z]\b`), singaporeID, false, ""},
	{NationalID, regexp.MustCompile(`\b[A-Za-z]{2} ?\d{2} ?\d{2} ?\d{2} [A-Da-d]\b|\b[A-Za-z]{2} \d{2} ?\d{2} ?\d{2}[A-Da-d]\b`), insurance, false, " "},
	{NationalID, regexp.MustCompile(`\b[A-Za-z]{2}\d{6}[A-Da-d]\b`), insurance, true, ""},
	{NationalID, regexp.MustCompile(`\b\d{6}[-A-FUVWXY]\d{3}[0-9A-FHJ-NPR-Y]\b`), finnishID, false, "-"},
	{NationalID, regexp.MustCompile(`\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b`), fiscalCode, false, ""},
	{NationalID, regexp.MustCompile(`\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b`), nil, true, ""},
}

// fewestInPapers is how many digits the shortest of them has: an Indian account
// of the tax office.
const fewestInPapers = 4

// documents looks for passports and for numbers with letters.
func (t *scanned) documents() {
	if t.digits < fewestInPapers || !t.letters {
		return
	}
	for _, p := range papers {
		if !t.mixed && !strings.ContainsAny(t.s, p.joints) {
			continue
		}
		for _, at := range p.pattern.FindAllStringIndex(t.s, -1) {
			if !t.apart(at[0], at[1]) {
				continue
			}
			bare := strings.ToUpper(separators.Replace(t.s[at[0]:at[1]]))
			weak := p.weak || p.kind == Passport && dated(bare)
			if (p.check == nil || p.check(bare)) && (!weak || t.vouched(at[0], at[1])) && !ordered.MatchString(t.words(at[0])) {
				t.add(p.kind, at[0], at[1])
			}
		}
	}
}

// separators stand within numbers; read only.
var separators = strings.NewReplacer(" ", "", "-", "", ".", "")

// vouched tells, of a number that its form proves no more than many, that the
// words in front of s[start:end] say that it is a person's, or that nothing else
// stands in the text: who is asked for one answers so.
func (t *scanned) vouched(start, end int) bool { return t.silent(start, end) || t.identified(start) }

// identified tells that the words in front of start speak of an identity.
func (t *scanned) identified(start int) bool {
	words := t.words(start)
	return words != "" && identities.MatchString(words) && !otherIDs.MatchString(words)
}

// words are those in front of start, up to the last digit or line: nobody
// introduces a number by another. They are empty if there is none.
func (t *scanned) words(start int) string {
	before := t.s[max(0, start-wordsBefore):start]
	before = before[strings.LastIndexAny(before, "0123456789\n")+1:]
	if len(strings.Trim(before, quiet+"#=_-")) < 2 {
		return ""
	}
	return before
}

// identities matches words in front of the number of a person's identity.
var identities = regexp.MustCompile(`(?i)(?:\bid\b|identi(?:ty|fication|dad)|passport|passeport|pasaporte|\b(?:tax|ssn|itin|tin|rrn|nric|fin|nino|dni|nif|nie|pan|uid)\b|national insurance|social security|taxpayer|permanent account|resident registration|aadhaa?r|आधार|บัตร|ประชาชน|주민|여권|등록번호|护照|護照|证件|證件|身份|身分|通行证|通行證)`)

// otherIDs are those that firms give.
var otherIDs = regexp.MustCompile(`(?i)\b(?:user|account|device|request|trace|session|job|app|client|customer|member(?:ship)?|message|chat|player|game|meeting|login|apple|steam|epic)[ _-]?id\b`)

// dated tells a letter with a day of this century, as firms count what they do:
// "E20240315".
func dated(s string) bool { return len(s) == 9 && s[1:3] == "20" && day(s[1:]) }

// number is the value of decimal digits.
func number(s string) int {
	n := 0
	for _, d := range digits(s) {
		n = n*10 + d
	}
	return n
}

// spanishID checks the last letter of NIF, whose first digit may be left out
// where it is 0, and of NIE.
func spanishID(s string) bool {
	if len(s) < 9 {
		s = strings.Repeat("0", 9-len(s)) + s
	}
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

// finnishID checks the date and the last character; "-" has been taken out,
// which was the sign of those born in the 20th century.
func finnishID(s string) bool {
	century := "19"
	if len(s) == 11 {
		if s[6] <= 'F' {
			century = "20"
		}
		s = s[:6] + s[7:]
	}
	return day(century+s[4:6]+s[2:4]+s[:2]) && "0123456789ABCDEFHJKLMNPRSTUVWXY"[number(s[:9])%31] == s[9]
}
