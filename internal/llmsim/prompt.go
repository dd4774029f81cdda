package llmsim

import "strings"

// prompt is what the simulator reads out of the messages: numbered sources and
// a question. Everything else is passed over.
type prompt struct {
	sources  []source // results of tools included
	results  []source // those of tools alone
	question string
	system   string
}

// source is a numbered passage; its strings are parts of the message.
type source struct {
	number int
	about  string // title and question lines: not to be quoted
	text   string
}

// readPrompt finds the sources and the question in the last message of the
// user. Both may stand between two equal lines "=== sources … ===" and
// "=== question … ===". Without these fences a source begins at a line
// "[n] …", ends at an empty line, and the question is what follows the last.
func readPrompt(messages []message) prompt {
	text, system := "", ""
	var results []source
	for _, m := range messages {
		switch m.Role {
		case "user":
			text = string(m.Content)
		case "system":
			system = string(m.Content)
		case "tool":
			if result, ok := fenced(string(m.Content), "=== result "); ok {
				results = append(results, readSources(result)...)
			}
		}
	}
	p := readLoose(text)
	if question, ok := fenced(text, "=== question "); ok {
		p = prompt{question: strings.TrimSpace(question)}
		if sources, ok := fenced(text, "=== sources "); ok {
			p.sources = readSources(sources)
		}
	}
	p.sources, p.results, p.system = append(p.sources, results...), results, system
	return p
}

// fenced returns what stands between the first line that begins with opening
// and the next line that equals it.
func fenced(text, opening string) (inside string, ok bool) {
	start := strings.Index(text, "\n"+opening)
	if start < 0 {
		return "", false
	}
	fence, rest, ok := strings.Cut(text[start+1:], "\n")
	if !ok {
		return "", false
	}
	if strings.HasPrefix(rest, fence) {
		return "", true
	}
	end := strings.Index(rest, "\n"+fence)
	if end < 0 {
		return "", false
	}
	return rest[:end+1], true
}

// readSources reads fenced sources: a line "[n] title", perhaps one with an
// address and one with a question, then the text up to the next number.
func readSources(text string) []source {
	var sources []source
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		number, _ := sourceMark(line)
		if number == 0 {
			text = rest
			continue
		}
		s := source{number: number}
		for line, after, ok := strings.Cut(rest, "\n"); ok && isLabel(line); line, after, ok = strings.Cut(rest, "\n") {
			rest = after
		}
		s.about = text[:len(text)-len(rest)]
		s.text, text = rest, ""
		for i := 0; i >= 0; i = nextLine(s.text, i) {
			if n, _ := sourceMark(s.text[i:]); n == number+1 {
				s.text, text = s.text[:i], s.text[i:]
				break
			}
		}
		sources = append(sources, s)
	}
	return sources
}

// isLabel reports the lines between a source's title and its text.
func isLabel(line string) bool {
	return strings.HasPrefix(line, "Question: ") || !strings.Contains(line, " ") &&
		(strings.HasPrefix(line, "https://") || strings.HasPrefix(line, "http://"))
}

// nextLine is where the line after the one that holds i begins, -1 for none.
func nextLine(text string, i int) int {
	n := strings.IndexByte(text[i:], '\n')
	if n < 0 || i+n+1 == len(text) {
		return -1
	}
	return i + n + 1
}

func readLoose(text string) prompt {
	var p prompt
	begin := -1 // of the text of the source being read, -1 outside of one
	asked := 0  // where the question begins
	for i := 0; i >= 0; i = nextLine(text, i) {
		line, _, _ := strings.Cut(text[i:], "\n")
		number, width := sourceMark(line)
		switch {
		case number > 0:
			p.sources = append(p.sources, source{number: number})
			begin = i + width
		case strings.TrimSpace(line) == "":
			begin = -1
		}
		if begin >= 0 {
			p.sources[len(p.sources)-1].text = text[begin : i+len(line)]
			asked = i + len(line)
		}
	}
	p.question = strings.TrimSpace(text[asked:])
	return p
}

// sourceMark reads "[12] " at the beginning of a line and returns the number
// and the width of the mark, 0 when there is none.
func sourceMark(line string) (number, width int) {
	if !strings.HasPrefix(line, "[") {
		return 0, 0
	}
	i := 1
	for ; i < len(line) && i < 5 && '0' <= line[i] && line[i] <= '9'; i++ {
		number = number*10 + int(line[i]-'0')
	}
	if i == 1 || i+1 >= len(line) || line[i] != ']' || line[i+1] != ' ' {
		return 0, 0
	}
	return number, i + 2
}
