// Package guard judges whether a text tries to instruct the assistant against
// its instructions.
//
// A text is read as a person sees it (folded), and once more as it reads when
// it is decoded. Two models add up what it mentions: the rules, which are
// concepts near each other in the order of an attack, in many languages; and a
// logistic regression that begins with the rules and was corrected by labelled
// texts. A text speaks by its loudest passage. All work is linear in the length
// of the text, which is never cut or altered.
package guard

import (
	"slices"

	"kefu/internal/desk"
)

// Thresholds on log odds. Source: the development set of 'kefu eval', whose
// sources and categories were held out together from the learned weights, not
// from the writing of the rules: 69 % of the attacks are above suspect and 0.2 %
// of the harmless texts.
const (
	// suspect is on the mean of the rules and of what was learned: each alone
	// finds a little less.
	suspect = 0.1
	// certain is where an answer is refused instead of given with care.
	certain = 3.5
)

// hiddenRule is the rule of texts that are hidden from people, or written in
// code.
const hiddenRule = "hidden"

// learnedRule is the rule of texts that no rule by itself suspects.
const learnedRule = "learned"

// Guard judges texts. It is safe for concurrent use.
type Guard struct{ model *model }

// New returns a guard with the weights that the program carries.
func New() *Guard {
	m, err := load(shipped)
	if err != nil {
		panic(err) // a part of the program
	}
	return &Guard{m}
}

// Load returns a guard with weights that MarshalBinary wrote.
func Load(raw []byte) (*Guard, error) {
	m, err := load(raw)
	if err != nil {
		return nil, err
	}
	return &Guard{m}, nil
}

// Judge returns what to do about a text that a customer wrote.
func (g *Guard) Judge(text string) desk.Verdict {
	f := fold(text)
	rules, learned, rule := g.loudest(f.text)
	hidden := f.hides()
	for _, v := range views(text) {
		hidden = hidden || obvious(v)
		rules, learned, rule = g.louder(v.text, rules, learned, rule)
	}
	if rules < suspect {
		rule = learnedRule
	}
	v := desk.Verdict{Action: desk.Allow, Score: (rules + learned) / 2}
	switch {
	case v.Score >= certain:
		v.Action, v.Rule = desk.Refuse, rule
	case v.Score > suspect:
		v.Action, v.Rule = desk.Care, rule
	case hidden:
		v.Action, v.Rule = desk.Care, hiddenRule
	}
	return v
}

// Document tells whether a passage of a document speaks to the assistant
// instead of the reader. Documents speak of passwords, rules and tools by right,
// so that only what is certain counts, and is so without what it says of
// passwords: to ask for one, as attackers do, and to tell of one use the same
// words.
func (g *Guard) Document(text string) desk.Verdict {
	v := g.Judge(text)
	if fold(text).tags > 0 || v.Action == desk.Refuse && commands(text) {
		return v
	}
	v.Action, v.Rule = desk.Allow, ""
	return v
}

// commands tells that the rules are certain without those about passwords.
func commands(text string) bool {
	loud := func(folded string) bool {
		_, odds := loudest(commandOdds, passages(folded))
		return odds >= certain
	}
	return loud(fold(text).text) || slices.ContainsFunc(views(text), func(v view) bool { return loud(fold(v.text).text) })
}

// hides tells that people do not see what the text says.
func (f folded) hides() bool {
	return f.tags >= 3 || f.hidden >= 3 || f.turned || f.mixed >= 2 || f.wide >= 12
}

func (g *Guard) louder(text string, rules, learned float64, rule string) (float64, float64, string) {
	r, l, name := g.loudest(fold(text).text)
	if r > rules {
		rules, rule = r, name
	}
	return rules, max(learned, l), rule
}

// loudest scores the passages of a folded text by the rules and by the model,
// and names the rule that says most.
func (g *Guard) loudest(text string) (rules, learned float64, rule string) {
	all := passages(text)
	loud, rules := loudest(g.model.rules, all)
	_, learned = loudest(g.model.odds, all)
	return rules, learned, strongest(loud)
}

// Rules are the names that verdicts may carry, a closed set.
func Rules() []string {
	return append(ruleNames(), hiddenRule, learnedRule)
}
