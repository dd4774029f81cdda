package guard

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// view is what a text says once it is decoded.
type view struct {
	how  string
	text string
}

// views decodes what a text may hide. Each decoder is kept when its result
// reads like language, and better than the text did.
func views(text string) []view {
	var out []view
	keep := func(how, decoded string) {
		if decoded != "" && decoded != text && len(out) < mostViews {
			out = append(out, view{how, decoded})
		}
	}
	if longestRun(text) >= 16 {
		keep("base64", inRuns(text, base64Run, fromBase64))
		keep("hex", inRuns(text, hexRun, fromHex))
	} else if strings.Count(text, "0x") >= 8 || spacedHex(text) {
		keep("hex", inRuns(text, hexRun, fromHex))
	}
	before := readable(text)
	better := func(how, decoded string) {
		if r := readable(decoded); r >= 0.34 && r > 2*before {
			keep(how, decoded)
		}
	}
	if strings.Count(text, "%") >= 4 {
		keep("url", inRuns(text, percentRun, fromPercent))
	}
	if strings.Count(text, "&#")+strings.Count(text, "&lt;")+strings.Count(text, "&quot;") >= 3 {
		keep("html", html.UnescapeString(text))
	}
	if strings.Count(text, `\u`)+strings.Count(text, `\x`) >= 4 {
		keep("escapes", inRuns(text, escapeRun, fromEscapes))
	}
	if s := unspaced(text); s != "" {
		keep("spaced", s)
	}
	if before < 0.2 && latin(text) >= 12 {
		better("rot13", strings.Map(rot13, text))
		better("reversed", reversed(text))
	}
	if leetWords(text) >= 2 && before < 0.3 {
		if s := strings.Map(unleet, text); readable(s) >= before+0.15 {
			keep("leet", s)
		}
	}
	return out
}

// longestRun is the length of the longest stretch of characters that codes are
// made of.
func longestRun(text string) int {
	most, run := 0, 0
	for i := range len(text) {
		if c := text[i]; letter(c) || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '_' || c == '-' || c == '\\' {
			run++
			most = max(most, run)
		} else {
			run = 0
		}
	}
	return most
}

// spacedHex tells that pairs of hexadecimal digits stand apart.
func spacedHex(text string) bool {
	pairs := 0
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		if len(w) != 2 || strings.Trim(w, "0123456789abcdefABCDEF") != "" {
			pairs = 0
		} else if pairs++; pairs == 8 {
			return true
		}
	}
	return false
}

// latin counts the letters of an English text.
func latin(text string) int {
	n := 0
	for i := range len(text) {
		if letter(text[i]) {
			n++
		}
	}
	return n
}

// mostViews bounds the work on a text that is encoded in many ways.
const mostViews = 4

// common are words that any longer English text holds; read only.
var common = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(`the and you your to of is are what how i my me a an in on for with that this it be do not can will would please tell give from all any as at have has who where when which say just now ignore instructions system prompt previous everything above password write print show repeat answer about`) {
		words[w] = true
	}
	return words
}()

// readable is the share of words that are common ones.
func readable(text string) float64 {
	words, known := 0, 0
	for w := range strings.FieldsFuncSeq(text[:min(len(text), 600)], func(r rune) bool { return !unicode.IsLetter(r) }) {
		words++
		if common[strings.ToLower(w)] {
			known++
		}
	}
	if words < 3 {
		return 0
	}
	return float64(known) / float64(words)
}

var (
	base64Run  = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}={0,2}`)
	hexRun     = regexp.MustCompile(`(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,]?){8,}`)
	percentRun = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`)
	escapeRun  = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2})+`)
)

// inRuns decodes the stretches that a pattern finds; empty when none is text.
func inRuns(text string, runs *regexp.Regexp, decode func(string) string) string {
	found := false
	out := runs.ReplaceAllStringFunc(text, func(run string) string {
		if s := decode(run); printable(s) {
			found = true
			return " " + s + " "
		}
		return run
	})
	if !found {
		return ""
	}
	return out
}

// printable tells that decoded bytes are text.
func printable(s string) bool {
	letters, all := 0, 0
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		all++
		if unicode.IsLetter(r) || r == ' ' {
			letters++
		}
	}
	return all >= 4 && letters*10 >= all*7
}

func fromBase64(run string) string {
	run = strings.TrimRight(run, "=")
	if !strings.ContainsAny(run, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return "" // a long word
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if raw, err := enc.DecodeString(run); err == nil {
			return string(raw)
		}
	}
	return ""
}

func fromHex(run string) string {
	run = strings.NewReplacer("0x", "", `\x`, "", " ", "", ",", "").Replace(run)
	raw, err := hex.DecodeString(run[:len(run)/2*2])
	if err != nil {
		return ""
	}
	return string(raw)
}

func fromPercent(run string) string {
	return fromHex(strings.ReplaceAll(run, "%", ""))
}

func fromEscapes(run string) string {
	var b strings.Builder
	for _, piece := range regexp.MustCompile(`[0-9a-fA-F]+`).FindAllString(run, -1) {
		n := 0
		for _, c := range piece {
			n = n*16 + strings.IndexRune("0123456789abcdef", unicode.ToLower(c))
		}
		b.WriteRune(rune(n))
	}
	return b.String()
}

func rot13(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case 'A' <= r && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

// reversed reads each line from its end, the lines in both their orders being
// the same to the features.
func reversed(text string) string {
	r := []rune(text)
	slices.Reverse(r)
	return string(r)
}

// unleet reads digits and signs as the letters they look like.
func unleet(r rune) rune {
	if i := strings.IndexRune("013457@$!|", r); i >= 0 {
		return rune("oieastasil"[i])
	}
	return r
}

// leetWords counts words with digits between or in the place of letters.
func leetWords(text string) int {
	n := 0
	for w := range strings.FieldsSeq(text) {
		letters, figures, turns, last := 0, 0, 0, 0
		for i := range len(w) {
			kind := 0
			switch c := w[i]; {
			case 'a' <= c|0x20 && c|0x20 <= 'z':
				letters++
				kind = 1
			case strings.IndexByte("013457", c) >= 0:
				figures++
				kind = 2
			}
			if kind > 0 && last > 0 && kind != last {
				turns++
			}
			if kind > 0 {
				last = kind
			}
		}
		if letters > 0 && figures > 0 && turns >= 2 || figures > 0 && turns == 1 && len(w) <= 5 && letters > 1 {
			n++
		}
	}
	return n
}

// unspaced joins letters that stand alone: "i g n o r e", "i-g-n-o-r-e". Two
// separators or more part words. It is empty when few letters do.
func unspaced(text string) string {
	if strings.Count(text, " ")+strings.Count(text, "-")+strings.Count(text, ".")+strings.Count(text, "_")+strings.Count(text, "*") < 7 {
		return ""
	}
	runes := []rune(text)
	single, letters := 0, 0
	lone := func(i int) bool {
		return (i == 0 || !unicode.IsLetter(runes[i-1])) && (i+1 == len(runes) || !unicode.IsLetter(runes[i+1]))
	}
	for i, r := range runes {
		if r < 0x250 && unicode.IsLetter(r) {
			letters++
			if lone(i) {
				single++
			}
		}
	}
	if single < 8 || single*2 < letters {
		return ""
	}
	var b strings.Builder
	for i := 0; i < len(runes); i++ {
		b.WriteRune(runes[i])
		if i+1 < len(runes) && separator(runes[i+1]) {
			next := i + 1
			for next < len(runes) && separator(runes[next]) {
				next++
			}
			if next-i > 2 || runes[i+1] != ' ' && next < len(runes) && runes[next-1] == ' ' {
				b.WriteByte(' ')
			}
			i = next - 1
		}
	}
	return b.String()
}

func separator(r rune) bool { return r == ' ' || r == '-' || r == '.' || r == '_' || r == '*' }

// obvious tells that a view reads like language: nobody encodes a question by
// accident.
func obvious(v view) bool { return readable(v.text) >= 0.25 || v.how == "spaced" }
