package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// example tells that documentation shows s[start:end] in the place of a
// credential: a vendor's example, a token that opens nothing, what somebody
// typed along the alphabet, or a login that every manual has.
func (t *scanned) example(start, end int) bool {
	s := t.s[start:end]
	if raw, err := base64.StdEncoding.DecodeString(s); err == nil && login(string(raw)) {
		return true
	}
	return strings.HasSuffix(s, "EXAMPLE") || slices.Contains(published[:], s) || login(s) || hollow(s) || standIn.MatchString(s) || counted(s) && t.silent(start, end)
}

// login tells a name and a password that are no secret: the very word for a
// password, or the name again, as databases come from their makers.
func login(s string) bool {
	name, password, ok := strings.Cut(s, ":")
	return ok && (name == password || passwordItself.MatchString(password))
}

// published are passwords and keys that vendors print in their manuals: NuGet's
// reference of nuget.config, Stripe's of its interface. Read only.
var published = [...]string{"33f!!lloppa", "hal+9ooo_da!sY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "sk_test_BQokikJOvBiI2HlWgH4olfQ2"}

// standIn matches what tells readers to put their own key there.
var standIn = regexp.MustCompile(`(?i)your[-_]?(?:own|api|app|access|auth|secret|token|key|client|sendgrid)|(?:token|key|secret)(?:_|-|goes|in)*here|placeholder|change[-_]?me|replace[-_]?(?:me|this|with)|redacted`)

// minified tells that a value is part of what a web page sends to everybody:
// names of an object stand without quotes and nothing has a blank beside it, as
// programs write what people will not read.
func (t *scanned) minified(name, colon, end int) bool {
	return name > 0 && strings.IndexByte(",{", t.s[name-1]) >= 0 && strings.HasPrefix(t.s[colon:], `:"`) &&
		(strings.HasPrefix(t.s[end:], `",`) || strings.HasPrefix(t.s[end:], `"}`)) && !strings.ContainsAny(t.s, " \n")
}

// counted tells that a person typed s as an example, along the alphabet and up
// the digits ("abc123xyz-456def"): a third of what follows is the next
// character. In a random key one in sixty is.
func counted(s string) bool {
	next := 0
	for i := 1; i < len(s); i++ {
		if s[i] == s[i-1]+1 {
			next++
		}
	}
	return next*3 >= len(s)
}

// identifier tells a name from a program, whose words begin with capitals or
// stand between underscores ("NewTokenKeeper_v2"): seven tenths of it are words
// of three letters and more, and digits stand in two places at most. Of sixteen random
// letters and digits, two in a hundred pass.
func identifier(s string) bool {
	words, word, figures, joints := 0, 0, 0, 0
	for i := range len(s) {
		kind := sort(s[i])
		if kind == 1 {
			word++
			continue
		}
		words += long(word)
		word = 0
		switch {
		case kind == 2:
			word = 1
			joints++
		case kind == 3:
			joints++
		case kind == 0 && (i == 0 || !digit(s[i-1])):
			figures++
		}
	}
	words += long(word)
	return joints > 0 && figures <= 2 && words*10 >= len(s)*7
}

// long is n letters if they can be a word, else none.
func long(n int) int {
	if n < 3 {
		return 0
	}
	return n
}

// digest tells a checksum that names its algorithm, as lock files have them.
var digest = regexp.MustCompile(`^(?i:sha|md|blake)\d{1,3}[a-z]?-`)

// abbreviated values end where somebody cut them.
func abbreviated(s string) bool {
	return strings.HasSuffix(s, "...") || strings.HasSuffix(s, "…")
}

// readable tells that a token is a text in base64.
func readable(token string) bool {
	token = strings.NewReplacer("-", "+", "_", "/").Replace(token)
	raw, err := base64.RawStdEncoding.DecodeString(token[:len(token)/4*4])
	if err != nil || !utf8.Valid(raw[:len(raw)-min(3, len(raw))]) { // a character may be cut
		return false
	}
	return !bytes.ContainsFunc(raw, unicode.IsControl) && bytes.ContainsRune(raw, ' ')
}

// hollow tells a signed token (RFC 7519) that grants nothing: it can be read,
// and names neither a person nor a right nor a time.
func hollow(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(raw, &claims) != nil {
		return false
	}
	for name, value := range claims {
		if strings.Contains(" exp iat nbf ", " "+name+" ") || bytes.ContainsAny(value, `"{[`) {
			return false
		}
	}
	return true
}
