package ingest

import (
	"bytes"
	"cmp"
	"errors"
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
	local bool // only private models may be shown it
	// translation is what the file and its translations declare alike.
	translation string
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

// textFormat is how a text file is extracted, from UTF-8.
type textFormat func(text []byte) (extract, error)

// textFormatOf tells the format by the ending of name and by what the text
// begins with.
func textFormatOf(name string, text []byte) textFormat {
	switch strings.ToLower(path.Ext(name)) {
	case ".md", ".markdown", ".mdown":
		return markdownFile
	case ".html", ".htm", ".xhtml":
		return htmlFile
	case ".csv":
		return csvFile
	case ".jsonl", ".ndjson":
		return jsonlFile
	}
	if looksLikeHTML(text) {
		return htmlFile
	}
	return textFile
}

// Formats lists what can be loaded, by the usual endings.
const Formats = ".md, .html, .txt, .csv, .jsonl, .docx and .pdf"

// known lists the endings under which text is read. Those of other formats are
// among them, since a page that was saved as manual.pdf is a page still.
var known = []string{
	".md", ".markdown", ".mdown", ".html", ".htm", ".xhtml", ".csv", ".jsonl", ".ndjson", "", ".txt", ".text", ".docx", ".pdf",
}

func looksLikeHTML(text []byte) bool {
	head := bytes.ToLower(bytes.TrimSpace(text[:min(len(text), 512)]))
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// readText extracts a file of text.
func readText(name string, data []byte) (extract, error) {
	if ending := strings.ToLower(path.Ext(name)); !slices.Contains(known, ending) {
		return extract{}, reject(CodeUnsupported, 0, "files ending in %s are not supported%s; supported are %s", ending, remedy(name, plainText), Formats)
	}
	text, err := decode(data)
	if said, ok := errors.AsType[*FileError](err); ok && said.Code != CodeEmpty {
		return extract{}, cmp.Or(misnamed(name), said)
	}
	if err != nil {
		return extract{}, err
	}
	return textFormatOf(name, text)(text)
}

// decode returns data as UTF-8 with line feeds for line ends and without
// control characters.
func decode(data []byte) ([]byte, error) {
	data, err := toUTF8(data)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
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
	return lang.Of(sampleOf(x.texts()))
}

// sampleOf is enough of texts to tell their language.
func sampleOf(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		if b.Len() > 16<<10 {
			break
		}
		b.WriteString(t)
		b.WriteByte('\n')
	}
	return b.String()
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
