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

// teller streams a reply to its asker while it is made. Nothing that was shown can
// be taken back. So it holds back text that may still become NoAnswer, or the
// beginning of something that must be seen whole to be judged: a citation, a
// placeholder, a link, a secret or a name.
type teller struct {
	output
	emit    desk.Emit
	about   desk.Answer    // what is known when the answer begins
	judged  []desk.Verdict // those to tell when it begins
	shown   strings.Builder
	held    string       // arrived, but not shown yet
	checked int          // length of the part of shown whose citations are all emitted
	read    int          // length of what follows it and was searched for citations
	cited   map[int]bool // citations emitted, by index
	leaked  string       // the rule by which the rest is held back; empty: none
}

// tell reads the reply to its end and streams it as it comes. told is false if
// nothing was shown because the model declined. It stops before a part that leaks;
// leaked then names the rule. The verdicts judged so far are emitted first.
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

// follow shows the reply, delta by delta, to its end.
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

// longestToken bounds what is held back until its bracket closes, a citation or a
// placeholder, in bytes.
const longestToken = 24

// ready is the length of the beginning of held that may be shown now.
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

// tail is the end of what was shown, in which a leak may have begun.
func tail(shown string) string { return shown[max(0, len(shown)-longestLink):] }

// show emits the first n bytes of held, unless they leak, and the citations of the
// sentences that they complete.
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

// cite emits the citations of the sentences that are closed, if their quotes are
// found. A sentence is closed when its citation has come, which may stand behind
// the full stop, or when the reply goes on or ends without one. Sentences whose
// citation has come are not verified again, so that the time stays proportional to
// the length of the answer.
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

// sentenceEnds are the characters that may end a sentence or its citation.
const sentenceEnds = ".!?。！？\n]"

// citedSentence is the end of a sentence with its citation: "… days. [1]" or
// "…天[1]。".
var citedSentence = regexp.MustCompile(`(?:[.!?。！？]\s*\[\d{1,3}\]|\[\d{1,3}\][.!?。！？])$`)

// startsCanary is the offset of the longest end of text that begins the canary, or
// the length of text if there is none. The whole canary counts too: if it ends as
// it begins, it would otherwise be cut in two.
func (s *Service) startsCanary(text string) int {
	for n := min(len(s.canary), len(text)); n > 0; n-- {
		if strings.HasSuffix(text, s.canary[:n]) {
			return len(text) - n
		}
	}
	return len(text)
}

// openLink matches a link at the end of a text, which may not be complete.
var openLink = regexp.MustCompile(`(?i)(?:h|ht|htt|https?|https?:/?/?[^\s]*|www\.[^\s]*|j|ja|jav|java|javas|javasc|javascr|javascri|javascrip|javascript(?::[^\s]*)?)$`)

// mayEndLink is the offset in text of a link that the end of text may have cut
// off, or the length of text if there is none.
func mayEndLink(text string) int {
	if at := openLink.FindStringIndex(text[max(0, len(text)-longestLink):]); at != nil {
		start := max(0, len(text)-longestLink) + at[0]
		if start == 0 || !isLetter(text[start-1]) {
			return start
		}
	}
	return len(text)
}

// mayEndSecret is the offset in text, which follows said, of a credential or card
// number that the end of text may have cut off, or the length of text if there is
// none. A run of longestLink bytes is let go: it is long enough to be judged.
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

// unbroken tells whether a credential may hold the character.
func unbroken(r rune) bool { return ' ' < r && r <= '~' && r != '[' && r != ']' }

// grouped tells whether a card number may hold the character.
func grouped(r rune) bool { return r == ' ' || r == '-' || unicode.IsDigit(r) }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
