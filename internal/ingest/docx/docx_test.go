package docx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

const (
	wordNS  = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	rootRel = `<Relationships><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`
)

// pack makes an archive of files given as name and content in turn.
func pack(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// word packs a document whose body is given, with more files.
func word(t testing.TB, body string, more ...string) []byte {
	t.Helper()
	document := `<?xml version="1.0"?><w:document ` + wordNS + `><w:body>` + body + `</w:body></w:document>`
	return pack(t, append([]string{"_rels/.rels", rootRel, "word/document.xml", document}, more...)...)
}

func p(style, text string) string {
	return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
}

func item(list, level, text string) string {
	return `<w:p><w:pPr><w:numPr><w:ilvl w:val="` + level + `"/><w:numId w:val="` + list + `"/></w:numPr></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
}

func td(properties, text string) string {
	return `<w:tc><w:tcPr>` + properties + `</w:tcPr><w:p><w:r><w:t>` + text + `</w:t></w:r></w:p></w:tc>`
}

func TestReadKeepsStructure(t *testing.T) {
	styles := `<w:styles ` + wordNS + `><w:style w:styleId="1"><w:name w:val="heading 1"/></w:style>` +
		`<w:style w:styleId="a5"><w:name w:val="Our heading"/><w:basedOn w:val="1"/></w:style>` +
		`<w:style w:styleId="t"><w:name w:val="Title"/></w:style>` +
		`<w:style w:styleId="o"><w:name w:val="x"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style></w:styles>`
	numbering := `<w:numbering ` + wordNS + `><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="decimal"/></w:lvl>` +
		`<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="0"/></w:num></w:numbering>`
	links := `<Relationships><Relationship Id="r9" Type="x/hyperlink" Target="https://shop.example/form" TargetMode="External"/></Relationships>`
	tests := []struct {
		name, body string
		want       Document
	}{
		{
			"headings by the name of their style, in any language of the ids",
			p("t", "Returns") + p("1", "How") + p("a5", "Where") + p("o", "When") + p("Heading3", "Who") + p("x", "Anybody."),
			Document{Title: "Returns", Blocks: []Block{
				{Level: 1, Text: "How"},
				{Level: 1, Text: "Where"},
				{Level: 2, Text: "When"},
				{Level: 3, Text: "Who"},
				{Text: "Anybody."},
			}},
		},
		{
			"the items of a list stay together and are counted",
			p("", "Do this:") + item("7", "0", "Open it") + item("7", "1", "with care") + item("7", "0", "Close it") + p("", "Done.") + item("7", "0", "Go on"),
			Document{Blocks: []Block{{Text: "Do this:"}, {Text: "1. Open it\n   - with care\n2. Close it"}, {Text: "Done."}, {Text: "3. Go on"}}},
		},
		{
			"a table has a cell for each column, merged ones say it again",
			`<w:tbl><w:tr>` + td("", "地区") + td("", "运费") + td("", "备注") + `</w:tr><w:tr>` + td(`<w:vMerge w:val="restart"/>`, "北京") +
				td(`<w:gridSpan w:val="2"/>`, "8 元") + `</w:tr><w:sdt><w:sdtContent><w:tr>` + td("<w:vMerge/>", "") + td("", "9 元") + td("", "偏远") + `</w:tr></w:sdtContent></w:sdt></w:tbl>`,
			Document{Blocks: []Block{{Rows: [][]string{{"地区", "运费", "备注"}, {"北京", "8 元", ""}, {"北京", "9 元", "偏远"}}}}},
		},
		{
			"runs join, deleted and hidden text is left out, links keep their address",
			`<w:p><w:r><w:t xml:space="preserve">Send the </w:t></w:r><w:hyperlink r:id="r9"><w:r><w:t>form</w:t></w:r></w:hyperlink><w:del><w:r><w:t>never</w:t></w:r></w:del>` +
				`<w:ins><w:r><w:t> today</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>.</w:t><w:br/><w:t>A&amp;B</w:t></w:r></w:p>`,
			Document{Blocks: []Block{{Text: "Send the form (https://shop.example/form) today.\nA&B"}}},
		},
		{
			"a text box follows its paragraph, once",
			`<w:p><w:r><w:t>Around</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>` + p("", "Inside") +
				`</w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:txbxContent>` + p("", "Inside") + `</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>`,
			Document{Blocks: []Block{{Text: "Around"}, {Text: "Inside"}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := word(t, tt.body, "word/styles.xml", styles, "word/numbering.xml", numbering, "word/_rels/document.xml.rels", links)
			got, err := Read(t.Context(), data)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("document =\n%+v, want\n%+v", got, tt.want)
			}
		})
	}
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	good := word(t, p("", "text"))
	many := make([]string, 0, 2*maxEntries+2)
	for range maxEntries + 1 {
		many = append(many, "a", "")
	}
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"no archive", []byte("text"), ErrBroken},
		{"cut in half", good[:len(good)/2], ErrBroken},
		{"no document in it", pack(t, "readme.txt", "hi"), ErrNotDocument},
		{"the text is said to be elsewhere", pack(t, "_rels/.rels", strings.Replace(rootRel, "word/document.xml", "../../etc/passwd.xml", 1)), ErrNotDocument},
		{"tags that are not closed", pack(t, "word/document.xml", "<w:document><w:body><w:p>"), ErrBroken},
		{"an entity", pack(t, "word/document.xml", `<!DOCTYPE d [<!ENTITY x "y">]><d>&x;</d>`), ErrBroken},
		{"an unknown entity", word(t, p("", "&x;")), ErrBroken},
		{"too deep", word(t, strings.Repeat("<w:sdt>", maxDepth)+strings.Repeat("</w:sdt>", maxDepth)), ErrBroken},
		{"a bomb of text", word(t, p("", strings.Repeat("a", 3<<20))), ErrBomb},
		{"a bomb of tags", word(t, strings.Repeat(p("", "a"), 40_000)), ErrBomb},
		{"a bomb in the styles", word(t, p("", "text"), "word/styles.xml", "<s>"+strings.Repeat(" ", 2<<20)), ErrBomb},
		{"a table of endless columns", word(t, `<w:tbl><w:tr>`+td(`<w:gridSpan w:val="1024"/>`, "a")+td("", "b")+`</w:tr></w:tbl>`), ErrBomb},
		{"too many files", pack(t, many...), ErrBomb},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Read(t.Context(), tt.data); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, word(t, p("", "text"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want that of the context", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(p("1", "a")+item("7", "0", "b"), "<w:styles/>")
	f.Add(`<w:tbl><w:tr>`+td(`<w:gridSpan w:val="3"/>`, "a")+`</w:tr><w:tr>`+td("<w:vMerge/>", "")+`</w:tr></w:tbl>`, `<w:styles><w:style w:styleId="a"><w:basedOn w:val="a"/></w:style></w:styles>`)
	f.Add(`<w:p><w:r><w:p/></w:r></w:p>`, "")
	f.Fuzz(func(t *testing.T, body, styles string) {
		doc, err := Read(t.Context(), word(t, body, "word/styles.xml", styles, "word/numbering.xml", styles))
		if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrBomb) {
			t.Fatalf("error = %v, want one of ours", err)
		}
		for _, b := range doc.Blocks {
			if b.Text == "" && len(b.Rows) == 0 {
				t.Error("a block says nothing")
			}
		}
	})
}

func FuzzArchive(f *testing.F) {
	f.Add(word(f, p("", "text")))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Read(t.Context(), data)
		if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrBomb) && !errors.Is(err, ErrNotDocument) {
			t.Fatalf("error = %v, want one of ours", err)
		}
	})
}
