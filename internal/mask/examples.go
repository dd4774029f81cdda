package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

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
