package ingest

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// extract is what a file says: sections of prose, question–answer pairs, or
// both, and what it says about itself.
type extract struct {
	meta     meta
	sections []section
	pairs    []pair
}

// meta is what a file says about itself. Any field may be empty.
type meta struct {
	id    string // replaces the path in the document's identity
	title string
	named bool // the title comes from the content, not from the file's name
	url   string
	lang  desk.Lang
	kind  desk.DocumentKind
}

// section is the text under one heading. A blank line separates its blocks, a
// line break the rows of a table and the items of a list.
type section struct {
	heading []string // outermost first
	text    string
}

// pair is one question with its answer.
type pair struct {
	question string
	answer   string
	heading  []string
	url      string    // empty: the document's
	lang     desk.Lang // empty: as the text reads
}

// format is how a file is extracted.
type format func(data []byte) (extract, error)

// formatOf tells the format by the ending of name and, for text, by what the
// file begins with.
func formatOf(name string, data []byte) (format, error) {
	switch ending := strings.ToLower(path.Ext(name)); ending {
	case ".md", ".markdown", ".mdown":
		return markdownFile, nil
	case ".html", ".htm", ".xhtml":
		return htmlFile, nil
	case ".csv":
		return csvFile, nil
	case ".jsonl", ".ndjson":
		return jsonlFile, nil
	case "", ".txt", ".text":
		if looksLikeHTML(data) {
			return htmlFile, nil
		}
		return textFile, nil
	default:
		return nil, reject(CodeUnsupported, 0,
			"files ending in %s are not supported; supported are .md, .txt, .html, .csv and .jsonl", ending)
	}
}

func looksLikeHTML(data []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// extractFile turns the bytes of a file into its text. The error is a
// *FileError without a path.
func extractFile(name string, data []byte) (x extract, err error) {
	// The parsers are third parties' and the files anybody's: a parser that
	// panics costs one file, not the load.
	defer func() {
		if r := recover(); r != nil {
			x, err = extract{}, reject(CodeMalformed, 0, "cannot be parsed: %v", r)
		}
	}()
	read, err := formatOf(name, data)
	if err != nil {
		return extract{}, err
	}
	if data, err = decode(data); err != nil {
		return extract{}, err
	}
	if x, err = read(data); err != nil {
		return extract{}, err
	}
	if len(x.sections) == 0 && len(x.pairs) == 0 {
		return extract{}, reject(CodeEmpty, 0, "there is no text in it")
	}
	if x.meta.named = x.meta.title != ""; !x.meta.named {
		x.meta.title = titleFromName(name, x.language())
	}
	return x, nil
}

// decode checks that data is UTF-8 text and returns it without byte-order
// mark, with line feeds for line ends and without control characters.
func decode(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return nil, reject(CodeNotUTF8, 0, "not UTF-8 (it looks like UTF-16); save it as UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	switch {
	case bytes.IndexByte(data, 0) >= 0 || bytes.HasPrefix(data, []byte("%PDF-")):
		return nil, reject(CodeBinary, 0, "not text")
	case !utf8.Valid(data):
		return nil, reject(CodeNotUTF8, firstInvalidLine(data), "not UTF-8; save it as UTF-8")
	case len(bytes.TrimSpace(data)) == 0:
		return nil, reject(CodeEmpty, 0, "the file is empty")
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	return bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\uFEFF' {
			return -1
		}
		return r
	}, data), nil
}

func firstInvalidLine(data []byte) int {
	line := 1
	for l := range bytes.Lines(data) {
		if !utf8.Valid(l) {
			break
		}
		line++
	}
	return line
}

// titleFromName makes a title of a file's name, for readers of language l:
// "shipping-times.md" becomes "Shipping times", "faq.csv" "FAQ" or 常见问题.
func titleFromName(name string, l desk.Lang) string {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	title := strings.Join(strings.FieldsFunc(base, func(r rune) bool { return r == '-' || r == '_' || r == ' ' }), " ")
	switch {
	case title == "":
		return name
	case strings.EqualFold(title, "faq") && l == desk.Chinese:
		return "常见问题"
	case strings.EqualFold(title, "faq"):
		return "FAQ"
	}
	first, size := utf8.DecodeRuneInString(title)
	return string(unicode.ToUpper(first)) + title[size:]
}

// texts lists what the extract says, for its language and its hash.
func (x extract) texts() []string {
	var all []string
	for _, s := range x.sections {
		all = append(all, fmt.Sprint(s.heading), s.text)
	}
	for _, p := range x.pairs {
		all = append(all, fmt.Sprint(p.heading), p.question, p.answer, string(p.lang))
	}
	return all
}

// language is what the file declares, else what most of it reads as.
func (x extract) language() desk.Lang {
	if x.meta.lang != "" {
		return x.meta.lang
	}
	var b strings.Builder
	for _, t := range x.texts() {
		if b.Len() > 16<<10 { // enough to tell
			break
		}
		b.WriteString(t)
		b.WriteByte('\n')
	}
	return lang.Of(b.String())
}

// declaredLang reads a language tag such as en-GB, zh-Hans or zh_TW. An empty
// tag declares nothing.
func declaredLang(tag string) desk.Lang {
	tag = strings.ToLower(strings.TrimSpace(tag))
	switch {
	case tag == "":
		return ""
	case tag == "zh" || strings.HasPrefix(tag, "zh-") || strings.HasPrefix(tag, "zh_") ||
		slices.Contains([]string{"cn", "chinese", "中文", "汉语", "漢語"}, tag):
		return desk.Chinese
	default:
		return desk.English
	}
}
