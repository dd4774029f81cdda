package answer

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/grounding"
	"kefu/internal/llm"
)

// teller shows a reply while it is made. The first thing it shows commits the
// answer: from then on nothing can be taken back, so it holds back what may
// still turn out to be no answer, and the beginning of what must be shown
// whole.
type teller struct {
	output
	emit    desk.Emit
	about   desk.Answer // what is known when the answer begins
	judged  []desk.Verdict
	shown   strings.Builder
	held    string
	checked int // of what is shown, so much is done with, citations included
	read    int // of the rest, so much was looked at
	cited   map[int]bool
	leaked  string
}

// tell reads the reply to its end and shows it as it comes; told is false when
// nothing was shown, because the model declined. What leaks is not shown, and
// nothing after it: leaked names the rule. The verdicts judged so far are told
// when it begins.
func (s *Service) tell(reply *llm.Reply, about desk.Answer, judged []desk.Verdict, out output, emit desk.Emit) (text string, told bool, leaked string, err error) {
	defer reply.Close()
	t := &teller{output: out, emit: emit, about: about, judged: judged, cited: map[int]bool{}}
	told, err = t.follow(reply)
	if errors.Is(err, errLeak) {
		return t.shown.String(), t.shown.Len() > 0, t.leaked, nil
	}
	if !told && err == nil {
		return t.held, false, "", nil
	}
	return t.shown.String(), told, "", err
}

func (t *teller) follow(reply *llm.Reply) (told bool, err error) {
	for {
		d, err := reply.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t.shown.Len() > 0, fmt.Errorf("read reply: %w", err)
		}
		t.held = grounding.Markers(t.held + d.Text)
		if err := t.show(t.ready()); err != nil {
			return true, err
		}
	}
	if t.shown.Len() == 0 && (llm.Declines(t.held) || strings.TrimSpace(t.held) == "") {
		return false, nil
	}
	if err := t.show(len(t.held)); err != nil {
		return true, err
	}
	return true, t.cite(true)
}

// longestLink bounds what is held back for the end of a link, in bytes.
const longestLink = 400

// longestToken bounds what is held back for its closing bracket: a citation or
// the placeholder of masked data.
const longestToken = 24

// ready is how much of what is held may be shown.
func (t *teller) ready() int {
	if t.shown.Len() == 0 && llm.MayDecline(t.held) {
		return 0
	}
	open := unclosed(t.held)
	said := tail(t.shown.String()) // in which a secret or a name may have begun
	if t.Tenants != nil {
		open = min(open, max(0, t.Tenants.MayName(said+t.held, t.tenant)-len(said)))
	}
	return min(open, t.startsCanary(t.held), mayEndLink(t.held), mayEndSecret(said, t.held))
}

// unclosed is where a bracket stands open that may become a citation or a
// placeholder, the end of text if none does.
func unclosed(text string) int {
	first := len(text)
	for _, pair := range [...]string{"[]", "⟦⟧", "()", "【】", "［］", "（）"} {
		opening, size := utf8.DecodeRuneInString(pair)
		at := strings.LastIndex(text, string(opening))
		if at >= 0 && len(text)-at <= longestToken && !strings.Contains(text[at:], pair[size:]) {
			first = min(first, at)
		}
	}
	return first
}

// tail is the end of what was shown, which a leak may have begun in.
func tail(shown string) string { return shown[max(0, len(shown)-longestLink):] }

func (t *teller) show(n int) error {
	if n == 0 {
		return nil
	}
	text := t.held[:n]
	if t.leaked = t.leaks(tail(t.shown.String()) + text); t.leaked != "" {
		return errLeak
	}
	t.held = t.held[n:]
	if text = grounding.SetRight(t.shown.String()[t.checked:], t.foreign(text), t.sources); text == "" {
		return nil
	}
	if t.shown.Len() == 0 {
		if err := t.emit(desk.Event{Type: desk.EventMeta, Answer: &t.about}); err != nil {
			return err
		}
		for e := range guardEvents(t.judged) {
			if err := t.emit(e); err != nil {
				return err
			}
		}
	}
	t.shown.WriteString(text)
	if err := t.emit(desk.Event{Type: desk.EventDelta, Text: text}); err != nil {
		return err
	}
	return t.cite(false)
}

// cite shows the citations of the sentences that are closed, each once its
// quote was found. A sentence is closed where its citation has come, which may
// stand behind the full stop, or where the reply goes on or ends without one.
// Sentences whose own citation has come are not looked at again: a long answer
// would be read as often as it has sentences.
func (t *teller) cite(ended bool) error {
	all := t.shown.String()[t.checked:]
	last := strings.LastIndexAny(all, sentenceEnds)
	if last < 0 {
		return nil
	}
	_, size := utf8.DecodeRuneInString(all[last:])
	closed := all[:last+size]
	cited, goesOn := citedSentence.MatchString(closed), strings.TrimSpace(all[last+size:]) != ""
	if len(closed) == t.read || !ended && !cited && !goesOn && all[last] != ']' {
		return nil
	}
	t.read = len(closed)
	for _, c := range grounding.Verify(closed, t.sources).Citations {
		if t.cited[c.Index] {
			continue
		}
		t.cited[c.Index] = true
		if err := t.emit(desk.Event{Type: desk.EventCitation, Citation: &c}); err != nil {
			return err
		}
	}
	if cited {
		t.checked += len(closed)
		t.read = 0
	}
	return nil
}

const sentenceEnds = ".!?。！？\n]"

// citedSentence is the end of a sentence with its citation: "… days. [1]" or
// "…天[1]。".
var citedSentence = regexp.MustCompile(`(?:[.!?。！？]\s*\[\d{1,3}\]|\[\d{1,3}\][.!?。！？])$`)

// startsCanary is where a text may begin to spell the canary at its end, or its
// length. The whole canary counts: one that ends as it begins would otherwise be
// cut in two.
func (s *Service) startsCanary(text string) int {
	for n := min(len(s.canary), len(text)); n > 0; n-- {
		if strings.HasSuffix(text, s.canary[:n]) {
			return len(text) - n
		}
	}
	return len(text)
}

// openLink matches a link at the end of a text that may not be complete.
var openLink = regexp.MustCompile(`(?i)(?:h|ht|htt|https?|https?:/?/?[^\s]*|www\.[^\s]*|j|ja|jav|java|javas|javasc|javascr|javascri|javascrip|javascript(?::[^\s]*)?)$`)

// mayEndLink is where a link begins that the end of text may have cut, or its
// length.
func mayEndLink(text string) int {
	if at := openLink.FindStringIndex(text[max(0, len(text)-longestLink):]); at != nil {
		start := max(0, len(text)-longestLink) + at[0]
		if start == 0 || !isLetter(text[start-1]) {
			return start
		}
	}
	return len(text)
}

// mayEndSecret is where in text, which follows said, a credential or card number
// begins that the end may have cut, or the length of text. What is longer than
// any is let go: by then it can be told what it is.
func mayEndSecret(said, text string) int {
	const figures = "0123456789"
	all := tail(said + text)
	before := strings.TrimRightFunc(all, unbroken)
	run, groups := all[len(before):], ""
	if run == "" || strings.ContainsAny(run, figures) { // the run may end a number that has begun before it
		groups = strings.TrimLeft(before[len(strings.TrimRightFunc(before, grouped)):], " -")
	}
	held := len(run) + len(groups)
	switch {
	case held == longestLink:
		return len(text)
	case groups == "" && len(run) < 12 && !strings.ContainsAny(run, figures): // a word
		return len(text)
	case groups == "" && len(run) < 5 && strings.Trim(run, figures) != "": // "30%", "4,"
		return len(text)
	}
	return max(0, len(text)-held)
}

// unbroken tells what a credential is written in.
func unbroken(r rune) bool { return ' ' < r && r <= '~' && r != '[' && r != ']' }

// grouped tells what a card number is written in.
func grouped(r rune) bool { return r == ' ' || r == '-' || unicode.IsDigit(r) }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
