package ingest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"kefu/internal/desk"
)

func TestExtractPages(t *testing.T) {
	tests := []struct {
		name     string
		file     string
		content  string
		title    string
		url      string
		lang     desk.Lang
		sections []section
	}{
		{
			name: "headings become the path and front matter what the page says of itself",
			file: "returns.md",
			content: "---\ntitle: Returns\nurl: https://shop.example/returns\nlang: en-GB\n---\n" +
				"# Returns\n\nYou have *30 days*.\n\n## How to return\n\n### In a store\n\nBring the item.\n",
			title: "Returns", url: "https://shop.example/returns", lang: desk.English,
			sections: []section{
				{[]string{"Returns"}, "You have 30 days."},
				{[]string{"Returns", "How to return", "In a store"}, "Bring the item."},
			},
		},
		{
			name:    "wrapped lines join, in Chinese without a space",
			file:    "退货.md",
			content: "# 退货\n\n签收后七天内\n可以退货。\n\nThe parcel is\nyours.\n",
			title:   "退货", lang: desk.Chinese,
			sections: []section{{[]string{"退货"}, "签收后七天内可以退货。\n\nThe parcel is yours."}},
		},
		{
			name:    "each cell of a table is named by its column",
			file:    "plans.md",
			content: "# Plans\n\n| Plan | Price |\n|---|---|\n| Basic | $5 |\n| **Plus** | $9.99 |\n",
			title:   "Plans", lang: desk.English,
			sections: []section{{[]string{"Plans"}, "Plan: Basic | Price: $5\nPlan: Plus | Price: $9.99"}},
		},
		{
			name:    "lists keep their marks and nesting, code its lines",
			file:    "steps.md",
			content: "# Reset\n\n3. Hold the button\n   - ten seconds\n4. Wait\n\n```sh\nreset  --all\n```\n",
			title:   "Reset", lang: desk.English,
			sections: []section{{[]string{"Reset"}, "3. Hold the button\n   - ten seconds\n4. Wait\n\nreset  --all"}},
		},
		{
			name:    "links keep an address that leads outside, entities and escapes are resolved",
			file:    "contact.md",
			content: "# Contact\n\nSee [the form](https://shop.example/form), [hours](hours.md) &amp; [mail us](mailto:a@shop.example). 2 \\* 3\n",
			title:   "Contact", lang: desk.English,
			sections: []section{{[]string{"Contact"}, "See the form (https://shop.example/form), hours & mail us (a@shop.example). 2 * 3"}},
		},
		{
			name:    "emphasis that Markdown leaves standing in Chinese goes",
			file:    "a.md",
			content: "# 注意\n\n**注意：**请保留小票。\n",
			title:   "注意", lang: desk.Chinese,
			sections: []section{{[]string{"注意"}, "注意：请保留小票。"}},
		},
		{
			name:    "a heading without text is not lost",
			file:    "b.md",
			content: "# Shop\n\n## Closed on Sundays\n\n## Address\n\nMain Street\n",
			title:   "Shop", lang: desk.English,
			sections: []section{{[]string{"Shop"}, "Closed on Sundays"}, {[]string{"Shop", "Address"}, "Main Street"}},
		},
		{
			name:     "prose between two rules is no front matter",
			file:     "rules.md",
			content:  "---\nHello there\n---\n\nText.\n",
			title:    "Rules",
			lang:     desk.English,
			sections: []section{{[]string{"Hello there"}, "Text."}},
		},
		{
			name: "of a web page the content stays and the frame goes",
			file: "page.html",
			content: `<!doctype html><html lang="zh-CN"><head><title>配送说明 - 示例商店</title>
				<link rel="canonical" href="https://shop.example/Ship"><script>track()</script></head>
				<body><nav>首页</nav><main><h1>配送说明</h1><p>三天<b>送达</b>。</p><!-- x -->
				<table><tr><th>地区</th><th>运费</th></tr><tr><td>北京</td><td>8 元</td></tr></table>
				<p hidden>隐藏</p><style>p{}</style></main><footer>版权</footer></body></html>`,
			title: "配送说明", url: "https://shop.example/Ship", lang: desk.Chinese,
			sections: []section{{[]string{"配送说明"}, "三天送达。\n\n地区：北京 | 运费：8 元"}},
		},
		{
			name:    "text that is HTML is read as HTML",
			file:    "page.txt",
			content: "<!DOCTYPE html><title>Hours</title><body><p>Open daily.</p></body>",
			title:   "Hours", lang: desk.English,
			sections: []section{{nil, "Open daily."}},
		},
		{
			name:    "a short first line is the title of a text",
			file:    "hours.txt",
			content: "\uFEFFOpening hours\r\n\r\nMonday to Friday,\r\n9 to 5.\r\n\r\n\r\nClosed on Sundays.",
			title:   "Opening hours", lang: desk.English,
			sections: []section{{nil, "Monday to Friday,\n9 to 5.\n\nClosed on Sundays."}},
		},
		{
			name:    "lines in capitals or numbered in Chinese begin sections of a text",
			file:    "safety.txt",
			content: "Safety\n\nRead this.\n\nCHARGING\nUse the cable that came with the device.\n\nUSB only.\n\n二、起火\n\n拨打火警电话。",
			title:   "Safety", lang: desk.English,
			sections: []section{{nil, "Read this."}, {[]string{"CHARGING"}, "Use the cable that came with the device.\n\nUSB only."}, {[]string{"二、起火"}, "拨打火警电话。"}},
		},
		{
			name:    "a CSV file without questions is a table",
			file:    "prices.csv",
			content: "Plan,Price,\nBasic,$5,\n\"Plus,\nnew\",$9.99,x\n,,\n",
			title:   "Prices", lang: desk.English,
			sections: []section{{nil, "Plan: Basic | Price: $5\nPlan: Plus, new | Price: $9.99 | x"}},
		},
		{
			name:    "a text without a title goes by its name",
			file:    "opening-hours_2.txt",
			content: "我们每天九点开门。",
			title:   "Opening hours 2", lang: desk.Chinese,
			sections: []section{{nil, "我们每天九点开门。"}},
		},
		{
			name:    "an address with another scheme is no link for customers",
			file:    "c.md",
			content: "---\nurl: javascript:alert(1)\n---\n# C\n\ntext\n",
			title:   "C", lang: desk.English,
			sections: []section{{[]string{"C"}, "text"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := extractNamed(t, tt.file, []byte(tt.content))
			if err != nil {
				t.Fatal(err)
			}
			if x.meta.title != tt.title || x.meta.url != tt.url || x.language() != tt.lang {
				t.Errorf("title, url, lang = %q, %q, %q, want %q, %q, %q", x.meta.title, x.meta.url, x.language(), tt.title, tt.url, tt.lang)
			}
			same := func(a, b section) bool { return a.text == b.text && slices.Equal(a.heading, b.heading) }
			if !slices.EqualFunc(x.sections, tt.sections, same) {
				t.Errorf("sections =\n%q, want\n%q", x.sections, tt.sections)
			}
		})
	}
}

func TestExtractPairs(t *testing.T) {
	tests := []struct {
		name    string
		file    string
		content string
		url     string
		want    []pair
	}{
		{
			name:    "CSV columns go by their names, in any order",
			file:    "faq.csv",
			content: "\uFEFFAnswer,id,Question,lang\n\"By card,\nor cash\",1,How do I pay?,en\n",
			want:    []pair{{question: "How do I pay?", answer: "By card,\nor cash", lang: desk.English}},
		},
		{
			name:    "Chinese names, semicolons and empty rows",
			file:    "faq.csv",
			content: "问题;答案;标题\n怎么付款？;可以刷卡。;支付\n;;\n",
			want:    []pair{{question: "怎么付款？", answer: "可以刷卡。", heading: []string{"支付"}}},
		},
		{
			name:    "one address for all pairs is the document's",
			file:    "faq.csv",
			content: "question,answer,url\na?,b,https://s.example/1\nc?,d,https://s.example/1\n",
			url:     "https://s.example/1",
			want:    []pair{{question: "a?", answer: "b"}, {question: "c?", answer: "d"}},
		},
		{
			name:    "where the pairs have several, each keeps its own",
			file:    "faq.csv",
			content: "question,answer,url\na?,b,https://s.example/1\nc?,d,\n",
			want:    []pair{{question: "a?", answer: "b", url: "https://s.example/1"}, {question: "c?", answer: "d"}},
		},
		{
			name:    "JSON lines",
			file:    "faq.jsonl",
			content: "{\"question\":\"How do I pay?\",\"answer\":\"By card.\"}\n\n{\"问题\":\"怎么付款？\",\"答案\":\"刷卡。\",\"n\":3}",
			want:    []pair{{question: "How do I pay?", answer: "By card."}, {question: "怎么付款？", answer: "刷卡。"}},
		},
		{
			name: "headings of a Markdown FAQ are questions, deeper ones part of the answer, empty ones categories",
			file: "faq.md",
			content: "---\nkind: faq\n---\n# Help\n\n## Payment\n\n### How do I pay?\n\nBy card.\n\n#### In a store\n\nIn cash too.\n\n" +
				"## Can I return it?\n\nYes.\n",
			want: []pair{
				{question: "How do I pay?", answer: "By card.\n\nIn a store\nIn cash too.", heading: []string{"Help", "Payment"}},
				{question: "Can I return it?", answer: "Yes.", heading: []string{"Help"}},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, err := extractNamed(t, tt.file, []byte(tt.content))
			if err != nil {
				t.Fatal(err)
			}
			if x.meta.url != tt.url {
				t.Errorf("url = %q, want %q", x.meta.url, tt.url)
			}
			same := func(a, b pair) bool {
				return a.question == b.question && a.answer == b.answer && a.url == b.url && a.lang == b.lang && slices.Equal(a.heading, b.heading)
			}
			if !slices.EqualFunc(x.pairs, tt.want, same) {
				t.Errorf("pairs =\n%q, want\n%q", x.pairs, tt.want)
			}
		})
	}
}

func TestWhatCannotBeReadSaysWhatToDo(t *testing.T) {
	tests := []struct{ name, file, content, want string }{
		{"bytes named .pdf", "a.pdf", "\x00\x01\x02", "it is named .pdf and is no PDF, which begins with %PDF-, nor text; export or download it again"},
		{"bytes of no encoding named .PDF", "a.PDF", "退款\n需要五天\xe9\x80 or\xff\xfe\xfa cash", "it is named .pdf and is no PDF, which begins with %PDF-, nor text; export or download it again"},
		{"bytes named .docx", "a.docx", "\x00\x01\x02", "it is named .docx and is no Word document, nor text; save or download it again"},
		{"Word of before 2007", "a.doc", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "save it as .docx, without a password"},
		{"a workbook of before 2007", "a.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "save its sheets as .csv"},
		{"an image", "a.pdf", "\x89PNG\r\n\x1a\n\x00", "it is a PNG image, which is not supported; have its text recognised (OCR) and load that"},
		{"an archive", "a.txt", "\x1F\x8B\x08", "it is a gzip archive, which is not supported; unpack it and load what is in it"},
		{"an ending that is not known", "slides.pptx", "text", "files ending in .pptx are not supported; save it as PDF; supported are " + Formats},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := extractNamed(t, tt.file, []byte(tt.content))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want it to say %q", err, tt.want)
			}
		})
	}
}

func TestFilesThatCannotBeExtracted(t *testing.T) {
	tests := []struct {
		name, file, content string
		code                ErrorCode
		line                int
	}{
		{"an unknown ending", "a.png", "text", CodeUnsupported, 0},
		{"an image under a name of text", "a.md", "\x89PNG\r\n\x1a\n\x00", CodeUnsupported, 0},
		{"nothing in it", "a.md", "", CodeEmpty, 0},
		{"only white space", "a.txt", " \n\t\n", CodeEmpty, 0},
		{"only front matter", "a.md", "---\ntitle: x\n---\n", CodeEmpty, 0},
		{"a page of frame only", "a.html", "<html><body><nav>x</nav></body></html>", CodeEmpty, 0},
		{"a mark of UTF-8 and nothing else", "a.txt", "\uFEFF", CodeEmpty, 0},
		{"a program under a name of text", "a.txt", "\x7fELF\x02\x01", CodeUnsupported, 0},
		{"bytes that are no text", "a.txt", "x\x9c\x0bJMK/\xcdK)\x00V(I\xccN", CodeNotText, 0},
		{"UTF-8 with broken bytes", "a.txt", "退款\n需要五天\xe9\x80 or\xff\xfe\xfa cash", CodeEncoding, 2},
		{"two bytes that are a letter in UTF-16", "a.pdf", "\x00\x01", CodeNotText, 0},
		{"half a character of UTF-16", "a.txt", "\xff\xfea\x00b", CodeNotText, 0},
		{"broken front matter", "a.md", "---\ntitle: [x\n---\n# A\n", CodeMalformed, 1},
		{"an unknown kind", "a.md", "---\nkind: poem\n---\n# A\n", CodeMalformed, 0},
		{"several translation keys", "a.md", "---\ntranslationKey: [returns, refunds]\n---\n# A\n", CodeMalformed, 0},
		{"a translation key without end", "a.md", "---\ntranslation_key: " + strings.Repeat("k", 201) + "\n---\n# A\n", CodeMalformed, 0},
		{"a mark that is neither true nor false", "a.md", "---\nlocal_only: confidential\n---\n# A\n", CodeMalformed, 0},
		{"CSV with questions alone", "a.csv", "question,text\na,b\n", CodeMalformed, 1},
		{"a quote that does not close", "a.csv", "question,answer\na,b\n\"c,d\n", CodeMalformed, 3},
		{"a stray quote", "a.csv", "question,answer\na,b\nc,d \"e\" f\n", CodeMalformed, 3},
		{"a question without an answer", "a.csv", "question,answer\na,b\n\nc,\n", CodeMalformed, 4},
		{"a line that is not JSON", "a.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n{oops}\n", CodeMalformed, 2},
		{"a line without a question and an answer", "a.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n{\"frage\":\"c\",\"antwort\":\"d\"}\n", CodeMalformed, 2},
		{"a field that is no string", "a.jsonl", "{\"question\":1,\"answer\":\"b\"}", CodeMalformed, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := extractNamed(t, tt.file, []byte(tt.content))
			var got *FileError
			if !errors.As(err, &got) {
				t.Fatalf("error = %v, want a FileError", err)
			}
			if got.Code != tt.code || got.Line != tt.line || got.Reason == "" {
				t.Errorf("code, line = %q, %d (%s), want %q, %d", got.Code, got.Line, got.Reason, tt.code, tt.line)
			}
		})
	}
}

func FuzzExtract(f *testing.F) {
	names := []string{"a.md", "a.html", "a.csv", "a.jsonl", "a.txt"}
	for i, seed := range []string{
		"---\ntitle: x\n---\n# A\n\n| a | b |\n|--|--|\n| 1 |\n\n- x\n  1. y\n", "<html><main><table><tr><td rowspan=2>x<br>y</table>",
		"question,answer\n\"a\",b\n", "{\"question\":\"a\",\"answer\":\"b\"}\n", "Title\n\ntext 中文。\n",
		"---\nkind: faq\na: &a [*a]\n---\n## Q?\n\nA\n", "---\n? [a]\n: b\n---\nx", "> > - 1. *\n<!-- \n```",
	} {
		f.Add(uint8(i), []byte(seed))
	}
	l := New(nil, nil, nil, Config{})
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		x, err := extractNamed(t, names[int(kind)%len(names)], data)
		if err != nil {
			var known *FileError
			if !errors.As(err, &known) || strings.HasPrefix(known.Reason, "cannot be parsed") {
				t.Fatalf("error = %v, want a FileError that names the fault", err)
			}
			return
		}
		for _, c := range l.chunks(desk.Document{ID: "doc", Title: "t"}, x) {
			if strings.TrimSpace(c.Text) == "" {
				t.Errorf("chunk %d is empty", c.Ordinal)
			}
			if c.Tokens > l.cfg.MaxTokens {
				t.Errorf("chunk %d has %d tokens, want at most %d", c.Ordinal, c.Tokens, l.cfg.MaxTokens)
			}
		}
	})
}

func extractNamed(t *testing.T, name string, data []byte) (extract, error) {
	t.Helper()
	e := newExtractor(time.Minute, "")
	defer e.pdf.Close()
	return e.extract(t.Context(), name, data)
}
