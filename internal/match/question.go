package match

import (
	"slices"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// reading is what of a question, beside its numbers, decides whether another
// is the same.
type reading struct {
	terms     []string // that carry content, in order, synonyms made one
	kind      kind
	awaits    bool // asks for the time of something that is waited for
	negated   bool
	origins   []string // what follows each "from"
	contrasts []string // words that others exclude, sorted
	regions   []string // sorted
}

func read(text string) reading {
	plain := " " + canonical(text) + " "
	q := reading{
		terms:   contentTerms(plain),
		regions: regionsIn(text, plain),
		origins: origins(plain),
	}
	if lang.Of(text) == desk.Chinese {
		q.kind = chineseKind(plain)
		q.contrasts = found(withoutKinds.Replace(plain), chineseContrasts)
	} else {
		q.kind = englishKind(strings.Fields(plain))
		q.contrasts = found(plain, englishContrasts)
	}
	q.negated = lang.Negated(plain)
	q.awaits = (q.kind == moment || q.kind == duration) && containsAny(plain, awaited...)
	return q
}

// contentTerms leaves the numbers to their own guard.
func contentTerms(plain string) []string {
	return slices.DeleteFunc(lang.ContentTerms(plain), func(t string) bool {
		_, isWord := numberWords[t]
		return isWord || strings.Trim(t, "0123456789.") == ""
	})
}

// origins lists the first content term after each "from" and 从: where
// something comes from and where it goes share their words, and often their
// order too.
func origins(plain string) []string {
	var after []string
	for _, from := range []string{" from ", "从", "從"} {
		parts := strings.Split(plain, from)
		for _, rest := range parts[1:] {
			if terms := contentTerms(rest); len(terms) > 0 {
				after = append(after, terms[0])
			}
		}
	}
	return after
}
