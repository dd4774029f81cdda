package followup

import (
	"regexp"
	"slices"
	"strings"
)

// english is what of an English question tells whether and how it leans.
type english struct {
	rest     string   // without the words that only join it to what was said
	words    []string // of rest, in lower case
	fragment bool     // names something, and what to know of it was asked before
	pronoun  []int    // place in rest of a word that stands for something said, nil without
	ellipsis bool     // asks without saying of what: "why?", "how much?"
}

func (e english) leans() bool { return e.fragment || e.pronoun != nil || e.ellipsis }

var (
	// joining words begin a question that goes on from another.
	joining = regexp.MustCompile(`(?i)^(?:(?:and|or|but|also|then|so|ok|okay|well|thanks|thank you)\b[ ,.!]*)+`)
	// aboutWhat names something and leaves open what to know of it.
	aboutWhat = regexp.MustCompile(`(?i)^(?:what|how) about (.+)$|^what if (?:it(?:'s| is)|i have|i'm in|i am in) (.+)$|^same (?:question )?for (.+)$`)
	// leading prepositions begin a fragment: "in Canada?", "for two people?".
	preposition = regexp.MustCompile(`(?i)^(in|to|for|from|with|without|by|on|at|outside|within|after|before|during) (.+)$`)
	// standing matches pronouns that stand for something said. "It takes", "is it
	// possible" and a "that" that begins a clause stand for nothing.
	standing  = regexp.MustCompile(`(?i)\b(it|its|they|them|their|theirs|this one|that one|this|that|these|those|the (?:other|first|second|last|same) ones?|the (?:former|latter))\b`)
	expletive = regexp.MustCompile(`(?i)\b(?:does it (?:usually |normally )?take|will it take|is it (?:possible|ok|okay|allowed|necessary|safe|legal|true|free to)|it takes|it is possible|what time is it|how is it that)\b`)
	// asking words can be a whole question.
	asking = regexp.MustCompile(`(?i)^(?:why(?: not| is that)?|how|how much|how many|how long|how often|how so|how come|when|where|who|which(?: one| ones)?|what then|since when|until when|by when|for how long|really|are you sure)$`)
)

// verbs tell a sentence from a fragment, together with question words. Read
// only.
var verbs = strings.Fields(`is are was were am be do does did can could may might will would shall should must has have had
	need want get cost costs take takes work works return cancel pay change send ship use apply include includes contact
	what when where who why which how whose`)

func readEnglish(question string) english {
	text := strings.TrimRight(strings.TrimSpace(question), " ?!.")
	e := english{rest: strings.TrimSpace(joining.ReplaceAllString(text, ""))}
	joined := len(e.rest) < len(text)
	e.words = strings.FieldsFunc(strings.ToLower(e.rest), func(r rune) bool { return r == ' ' || r == ',' || r == '?' })
	switch {
	case len(e.words) == 0:
		return e
	case asking.MatchString(e.rest):
		e.ellipsis = true
	case aboutWhat.MatchString(e.rest):
		e.fragment = true
	case len(e.words) <= 6 && preposition.MatchString(e.rest) && !hasVerb(e.words):
		e.fragment = true
	case joined && len(e.words) <= 5 && !hasVerb(e.words):
		e.fragment = true
	default:
		e.pronoun = e.standsFor()
	}
	return e
}

// standsFor is the place of the first pronoun that needs something said.
func (e english) standsFor() []int {
	plain := expletive.ReplaceAllStringFunc(e.rest, func(s string) string { return strings.Repeat("_", len(s)) })
	for _, at := range standing.FindAllStringIndex(plain, -1) {
		word, after := strings.ToLower(plain[at[0]:at[1]]), strings.TrimLeft(plain[at[1]:], " ")
		next, _, _ := strings.Cut(strings.ToLower(after), " ")
		switch word {
		case "that", "this", "these", "those":
			// before a noun it points at something that the question names
			// itself, before a clause at nothing
			if next != "" && !slices.Contains(verbs, next) || word == "that" && at[0] > 0 && next != "" && next != "work" && next != "cost" && next != "include" && next != "apply" {
				continue
			}
		case "it", "they", "them", "its", "their", "theirs":
			if named(plain[:at[0]]) {
				continue // "my lamp is broken, can I return it?"
			}
		}
		return at
	}
	return nil
}

// named tells whether text names something that a later pronoun may stand for.
func named(text string) bool { return thing.MatchString(text) }

func hasVerb(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(verbs, w) })
}

var (
	// thing is something with an article or possessive in front.
	thing = regexp.MustCompile(`(?i)\b(?:the|a|an|my|our|your) ((?:[\w'-]+ ){0,3}?[\w'-]+)(?: (?:of|for|in|on|with|to|from|is|are|be|do|does|will|by|at|that|which|i|you|we)\b|[,.?!]|$)`)
	// object is what a preposition leads to, up to the next one.
	object  = regexp.MustCompile(`(?i)\b(of|for|in|to|from|with|on|about|at|by) ((?:the |a |an |my |our |your )?[\w'-]+(?: [\w'-]+){0,3}?)((?: (?:of|for|in|to|from|with|on|about|at|by|is|are|does|do|if|when|and|or|that|which)\b.*)?[?!.]*)$`)
	article = regexp.MustCompile(`(?i)^(?:the|a|an|my|our|your) `)
)

// places are prepositions of which one may answer for the other: "to the US"
// and "in Canada". Read only.
var places = strings.Fields("in to from at outside within")

// englishAlone makes question stand alone after previous; ok is false where no
// rule fits.
func englishAlone(question, previous string) (text string, ok bool) {
	e := readEnglish(question)
	switch {
	case e.ellipsis:
		return "", false
	case e.fragment:
		lead, name := e.named()
		return exchange(previous, lead, name), true
	}
	topic := topicOf(previous)
	if topic == "" {
		return "", false
	}
	at := e.pronoun
	switch strings.ToLower(e.rest[at[0]:at[1]]) {
	case "its", "their", "theirs":
		topic += "'s"
	}
	return e.rest[:at[0]] + topic + e.rest[at[1]:] + "?", true
}

// named is what a fragment names, and the preposition in front of it.
func (e english) named() (lead, name string) {
	name = e.rest
	if m := aboutWhat.FindStringSubmatch(name); m != nil {
		name = strings.TrimSpace(m[1] + m[2] + m[3])
	}
	if m := preposition.FindStringSubmatch(name); m != nil {
		return strings.ToLower(m[1]), m[2]
	}
	return "", name
}

// exchange puts name where previous names something of its sort.
func exchange(previous, lead, name string) string {
	body := strings.TrimRight(previous, " ?!.")
	for end := len(body); ; {
		m := object.FindStringSubmatchIndex(body[:end])
		if m == nil {
			break
		}
		word := strings.ToLower(body[m[2]:m[3]])
		if lead == "" || lead == word || slices.Contains(places, lead) && slices.Contains(places, word) {
			return body[:m[2]] + pick(lead, body[m[2]:m[3]]) + " " + name + body[m[5]:] + "?"
		}
		end = m[2]
	}
	if m := thing.FindStringSubmatchIndex(body); lead == "" && m != nil && !strings.EqualFold(body[m[2]:m[3]], name) {
		start := strings.LastIndex(body[:m[2]-1], " ") + 1 // its article goes too where name has one
		if !article.MatchString(name) {
			start = m[2]
		}
		return body[:start] + name + body[m[3]:] + "?"
	}
	if lead == "" {
		lead = "for"
	}
	return body + " " + lead + " " + name + "?"
}

func pick(lead, otherwise string) string {
	if lead != "" {
		return lead
	}
	return otherwise
}

// topicOf is what a question is about: what "of", "for" or "with" leads to,
// else the last thing with an article.
func topicOf(previous string) string {
	body := strings.TrimRight(previous, " ?!.")
	if m := object.FindStringSubmatch(body); m != nil && slices.Contains([]string{"of", "for", "with", "about"}, strings.ToLower(m[1])) && m[3] == "" {
		return m[2]
	}
	all := thing.FindAllStringSubmatchIndex(body, -1)
	if len(all) == 0 {
		return ""
	}
	m := all[len(all)-1]
	return "the " + body[m[2]:m[3]]
}
