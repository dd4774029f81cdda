package mask

import (
	"fmt"
	"strings"
)

// vendor is how a key of one sort begins, and how many characters follow at
// least.
type vendor struct {
	prefix string
	rest   int
}

// prefixes are those that vendors document for their keys, each with the least
// number of characters behind it.
const prefixes = `
	sk- 20, sk_live_ 16, sk_test_ 16, rk_live_ 16, rk_test_ 16, pk_live_ 16, whsec_ 24, ABSK 60, AIza 35, ya29. 20, GOCSPX- 20,
	ghp_ 30, gho_ 30, ghu_ 30, ghs_ 30, ghr_ 30, github_pat_ 30, glpat- 20, gldt- 20, glrt- 20, glcbt- 16, glptt- 40, glft- 20,
	glimt- 20, glagent- 40, gloas- 50, glffct- 20, npm_ 30, pypi- 40, rubygems_ 40, hf_ 30, api_org_ 30, r8_ 30, gsk_ 40, pplx- 40,
	nvapi- 40, xai- 40, tvly- 20, lsv2_ 30, key- 32, xkeysib- 40, xsmtpsib- 40, EAAA 40, EAAC 80, EAAM 80, EAAG 80, sq0atp- 20,
	sq0csp- 30, shpat_ 30, shpca_ 30, shppa_ 30, shpss_ 30, dop_v1_ 40, doo_v1_ 40, dor_v1_ 40, dp.pt. 30, dp.st. 30, lin_api_ 30,
	figd_ 30, ntn_ 40, glsa_ 30, glc_ 40, hvs. 24, hvb. 60, hvr. 24, HRKU- 30, NRAK- 20, NRIQ- 20, NRJS- 16, PMAK- 40, phc_ 30,
	phx_ 30, rdme_ 40, pul- 30, pscale_ 30, pnu_ 30, sntrys_ 40, sntryu_ 40, sgp_ 40, tk-us- 30, tskey- 20, CFPAT- 30, dapi 32,
	duffel_ 30, EZAK 50, EZTK 50, FLWSECK 20, fo1_ 30, fm1r_ 20, ico- 32, ion_ 30, AKCp 50, ops_eyJ 40, sbp_ 30, shippo_ 30,
	ATATT3 60, ATCTT3 60, AGE-SECRET-KEY-1 40, sl. 120, LTAI 16, AKID 32, apm_ 30, xapp- 40`

// vendors are those prefixes by their first character; read only.
var vendors = readVendors()

func readVendors() (all [128][]vendor) {
	for line := range strings.SplitSeq(prefixes, ",") {
		var v vendor
		if _, err := fmt.Sscan(line, &v.prefix, &v.rest); err != nil {
			panic(err) // a fault of the table above
		}
		all[v.prefix[0]] = append(all[v.prefix[0]], v)
	}
	return all
}

// tokens looks at runs of the characters that keys are made of.
func (t *scanned) tokens() {
	for i := 0; i < len(t.s); {
		if !token(t.s[i]) {
			i++
			continue
		}
		start := i
		for i < len(t.s) && token(t.s[i]) {
			i++
		}
		if i-start < shortestToken {
			continue
		}
		if i < len(t.s) && (t.s[i] == '#' || t.s[i] == '*') { // blotted out
			continue
		}
		if from := keyed(t.s[start:i]); from >= 0 {
			if t.example(start+from, i) {
				continue
			}
			t.add(Secret, start+from, i)
		} else if s := t.s[start:i]; random(s) && !identifier(s) && !digest.MatchString(s) && t.alone(start, i) && !t.inURL(start) && !t.public(start) {
			t.add(Secret, start, i)
		}
	}
}

const shortestToken = 18

func token(c byte) bool {
	return letter(c) || digit(c) || c == '_' || c == '-' || c == '.' || c == '~' || c == '+'
}

// keyed returns where a vendor's key begins in a token, or -1.
func keyed(s string) int {
	for i := range len(s) {
		if i > 0 && (letter(s[i-1]) || digit(s[i-1])) {
			continue
		}
		for _, v := range vendors[s[i]] {
			if rest, ok := strings.CutPrefix(s[i:], v.prefix); ok && len(rest) >= v.rest && made(rest) && !(len(v.prefix) <= shortPrefix && wordy(rest)) {
				return i
			}
		}
	}
	return -1
}

// shortPrefix is the length of those that also begin names of other things:
// "sk-fading-circle-wrapper2".
const shortPrefix = 4

// made tells that a machine made the rest of a key, and not a person an
// example.
func made(rest string) bool {
	return varied(rest) && entropy(rest) >= 3 && strings.ContainsAny(rest, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

// random tells a token that nobody would write by hand: long, of small and
// capital letters and digits in turn.
func random(s string) bool {
	if len(s) < 48 || len(s) > 100 || mixed(s) < 3 || strings.ContainsAny(s, ".~+") || entropy(s) < 4.3 || readable(s) {
		return false
	}
	turns := 0
	for i := 1; i < len(s); i++ {
		if sort(s[i]) != sort(s[i-1]) {
			turns++
		}
	}
	return turns*5 >= len(s)*2
}

func sort(c byte) int {
	switch {
	case digit(c):
		return 0
	case 'a' <= c && c <= 'z':
		return 1
	case 'A' <= c && c <= 'Z':
		return 2
	}
	return 3
}

// alone tells that a token is no part of a path or of an armoured file, of
// which the header tells whether it is secret.
func (t *scanned) alone(start, end int) bool {
	return t.apart(start, end) && (start == 0 || t.s[start-1] != '/') && (end == len(t.s) || t.s[end] != '/') &&
		!strings.Contains(t.s, "-----BEGIN ")
}

// public tells that the text calls what begins at start a public key.
func (t *scanned) public(start int) bool {
	before := strings.ToLower(t.s[max(0, start-16):start])
	return strings.Contains(before, "public") || strings.Contains(before, "ssh-") // the keys of RFC 4253 begin so
}

// inURL tells that the word around start is a link, whose identifiers open
// nothing by themselves.
func (t *scanned) inURL(start int) bool {
	word := strings.LastIndexAny(t.s[:start], " \t\r\n\"'<>(") + 1
	return strings.Contains(t.s[max(word, start-wordsBefore*5):start], "://")
}
