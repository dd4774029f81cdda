package access

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
)

// names finds the names of tenants in a text, in time that does not grow with
// how many tenants there are. The default tenant has one only where it was given
// one: "default" is a word.
type names struct {
	begin   map[string][]named // by their first two letters, and the first where it is Han
	longest int                // bytes
}

type named struct {
	tenant desk.TenantID
	name   string // in small letters
}

// shortestName is the length of the shortest name that is looked for, in letters
// of an alphabet and in Han: shorter ones are words of any text.
const shortestName, shortestHan = 3, 2

func newNames(tenants []desk.Tenant) names {
	n := names{begin: map[string][]named{}}
	for _, t := range tenants {
		name := strings.ToLower(strings.TrimSpace(t.Name))
		if length := utf8.RuneCountInString(name); t.ID == desk.DefaultTenant && name == string(desk.DefaultTenant) || length < shortestHan || length < shortestName && !han(name) {
			continue
		}
		n.begin[two(name)] = append(n.begin[two(name)], named{t.ID, name})
		if _, first := utf8.DecodeRuneInString(name); han(name[:first]) { // says enough alone
			n.begin[name[:first]] = append(n.begin[name[:first]], named{t.ID, name})
		}
		n.longest = max(n.longest, len(name))
	}
	return n
}

// two are the first two letters of a text, or the one that there is.
func two(text string) string {
	_, first := utf8.DecodeRuneInString(text)
	_, second := utf8.DecodeRuneInString(text[first:])
	return text[:first+second]
}

// in lists the names of tenants but one that text has as whole words, in small
// letters.
func (n names) in(text string, but desk.TenantID) (found []string) {
	if len(n.begin) == 0 {
		return nil
	}
	text = strings.ToLower(text)
	for at := range text {
		if !wordBegins(text, at) {
			continue
		}
		for _, c := range n.begin[two(text[at:])] {
			if c.tenant != but && strings.HasPrefix(text[at:], c.name) && wordBegins(text, at+len(c.name)) {
				found = append(found, c.name)
			}
		}
	}
	return found
}

// begun is where the end of text may begin such a name, or its length.
func (n names) begun(text string, but desk.TenantID) int {
	if len(n.begin) == 0 {
		return len(text)
	}
	for at := range text {
		if len(text)-at > n.longest || !wordBegins(text, at) { // before the last name that there could be
			continue
		}
		rest := strings.ToLower(text[at:])
		for _, c := range n.begin[two(rest)] {
			if c.tenant != but && strings.HasPrefix(c.name, rest) {
				return at
			}
		}
	}
	return len(text)
}

// wordBegins tells that no word goes on across a place of text: one in letters
// is not cut, and Han are words each.
func wordBegins(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return !inWord(before) || !inWord(after)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.Is(unicode.Han, r)
}

func han(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
