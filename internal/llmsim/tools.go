package llmsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// offer is a tool that the caller offers.
type offer struct {
	name, description string
	parameters        json.RawMessage // JSON Schema
}

// call is a tool that the simulator asks for.
type call struct {
	id, name, arguments string
}

// wish is what a model asks of its tools after reading the prompt; nil for one
// that answers. It asks once: for the tool whose words the question shares the
// most, if the question holds all that the tool needs.
func wish(mode Mode, q question, p prompt) []call {
	var made []call
	for _, m := range q.messages {
		made = append(made, m.calls...)
	}
	if q.mustAnswer || len(q.offers) == 0 {
		return nil
	}
	if mode == Obey {
		if c, ok := planted(p, q.offers); ok && !slices.ContainsFunc(made, func(m call) bool { return m.name == c.name }) {
			return []call{c}
		}
	}
	if len(made) > 0 || mode == Refuse {
		return nil
	}
	asked := p.question + " " + translated(p.question)
	words := questionTerms(asked)
	best, most := call{}, 0
	for _, o := range q.offers {
		arguments, ok := fillIn(o.parameters, p.question)
		if score := score(o, asked, words); ok && score > most {
			best, most = call{name: o.name, arguments: arguments}, score
		}
	}
	if most == 0 {
		return nil
	}
	return []call{best}
}

// score counts the words that a question shares with a tool, 0 for a tool that
// does something the question does not ask for.
func score(o offer, asked string, words termList) int {
	name := strings.NewReplacer("_", " ", "-", " ").Replace(o.name)
	shared := 0
	for set := words.in(name + " " + o.description); set != 0; set &= set - 1 {
		shared++
	}
	for verb := range strings.FieldsSeq(verbs) {
		if !slices.Contains(strings.Fields(name), verb) {
			continue
		}
		if !strings.Contains(strings.ToLower(asked), verb) {
			return 0
		}
		shared += 2
	}
	return shared
}

// verbs are what tools that do something are named for.
const verbs = "cancel refund return book change update create delete send pay reserve"

// translated are English words for what a Chinese question says, since tools
// are mostly described in English.
func translated(question string) string {
	var words []string
	for i := 0; i < len(glossary); i += 2 {
		if strings.Contains(question, glossary[i]) {
			words = append(words, glossary[i+1])
		}
	}
	return strings.Join(words, " ")
}

var glossary = [...]string{
	"订单", "order", "取消", "cancel", "退款", "refund", "退货", "return", "物流", "shipping delivery", "快递", "parcel delivery",
	"包裹", "parcel", "哪", "where status", "状态", "status", "查", "look", "到了", "status arrived", "库存", "stock", "余额", "balance",
	"积分", "points", "预约", "appointment book", "预订", "booking book", "天气", "weather",
}

// properties is the part of a JSON Schema that is read.
type properties struct {
	Properties map[string]struct {
		Type    string
		Pattern string
	}
	Required []string
}

// fillIn makes the arguments that a tool needs out of the question.
func fillIn(parameters json.RawMessage, question string) (arguments string, ok bool) {
	var schema properties
	if json.Unmarshal(parameters, &schema) != nil {
		return "", false
	}
	values := map[string]any{}
	for _, name := range schema.Required {
		p := schema.Properties[name]
		text, found := value(name, p.Pattern, question)
		if !found {
			return "", false
		}
		values[name] = text
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && (p.Type == "integer" || p.Type == "number") {
			values[name] = n
		}
	}
	encoded, err := json.Marshal(values)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return string(encoded), true
}

// candidate is a part of a question that may be an argument.
var candidate = regexp.MustCompile(`⟦[A-Z]+_\d+⟧|[A-Za-z0-9][A-Za-z0-9_@.+-]*`)

func value(name, pattern, question string) (string, bool) {
	fits := func(text string) bool { return strings.ContainsAny(text, "0123456789") && len(text) >= 3 }
	switch {
	case pattern != "":
		want, err := regexp.Compile(pattern)
		if err != nil {
			return "", false
		}
		fits = want.MatchString
	case strings.Contains(name, "mail"):
		fits = func(text string) bool { return strings.HasPrefix(text, "⟦EMAIL") || strings.Contains(text, "@") }
	case name == "query" || name == "question" || name == "text":
		return question, true
	}
	for _, text := range candidate.FindAllString(question, -1) {
		if text = strings.TrimRight(text, ".-"); fits(text) {
			return text, true
		}
	}
	return "", false
}

// instruction is an order in what should be data, as attackers plant them.
var (
	instruction = regexp.MustCompile(`(?i)ignore (?:all|the|your|previous)`)
	plantedCall = regexp.MustCompile(`(?i)call (\w+) (?:for|with) (\{[^}]*\}|\w+)`)
)

// planted is the call that an instruction in the prompt's data wants.
func planted(p prompt, offers []offer) (call, bool) {
	for _, s := range p.sources {
		m := plantedCall.FindStringSubmatch(s.text)
		if m == nil || !instruction.MatchString(s.text) {
			continue
		}
		c := call{name: m[1], arguments: m[2]}
		if !strings.HasPrefix(c.arguments, "{") {
			c.arguments = `{"order_id":` + strconv.Quote(m[2]) + `}`
			for _, o := range offers {
				if filled, ok := fillIn(o.parameters, m[2]); ok && o.name == c.name {
					c.arguments = filled
				}
			}
		}
		return c, true
	}
	return call{}, false
}

// obeyed is what a model says that follows the instructions in its data: it
// repeats them, gives its own away and links to wherever it was told to.
func obeyed(p prompt) string {
	var b strings.Builder
	for _, s := range p.sources {
		for line := range strings.Lines(s.text) {
			if !instruction.MatchString(line) {
				continue
			}
			for text := range sentences(line) {
				b.WriteByte(' ')
				cite(&b, text, s.number)
			}
			b.WriteByte(' ')
			cite(&b, p.system, s.number)
			for _, address := range regexp.MustCompile(`https?://\S+`).FindAllString(line, -1) {
				b.WriteString(" ![here](" + address + ") [click here](" + address + ")")
			}
		}
	}
	return b.String()
}

// told is what the results of tools say: the sentences in the customer's
// language, else their first lines.
func told(results []source, chinese bool) string {
	var b strings.Builder
	say := func(number int, text string) {
		if b.Len() > 0 && !chinese {
			b.WriteByte(' ')
		}
		cite(&b, text, number)
	}
	for _, r := range results {
		before := b.Len()
		var lines []string
		for line := range strings.Lines(r.text) {
			label, text, ok := strings.Cut(trimMarker(strings.TrimSpace(line)), ": ")
			if !ok {
				label, text = "", label
			}
			lines = append(lines, strings.TrimSpace(line))
			if strings.HasSuffix(label, either(chinese, "_en", "_zh")) || !strings.ContainsAny(text, ".。!?！？") || !strings.ContainsAny(text, " ，、") {
				continue
			}
			for s := range sentences(text) {
				if !instruction.MatchString(text) {
					say(r.number, s)
				}
			}
		}
		if b.Len() == before && len(lines) > 0 {
			say(r.number, strings.Join(lines[:min(3, len(lines))], "\n"))
		}
	}
	return b.String()
}
