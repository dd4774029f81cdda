package web_test

import "testing"

func TestAnswersMayHaveListsBoldTextLineBreaksAndCitations(t *testing.T) {
	p := open(t, view{locale: "en-GB", width: 1100}, serve(t, "").url)
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a paragraph for each blank line", "a\n\nb", "<p>a</p><p>b</p>"},
		{"a line break", "a\nb", "<p>a<br>b</p>"},
		{"bold with a citation in it", "**a [1]** b", "<p><strong>a <i>1</i></strong> b</p>"},
		{"stars that are not bold", "2 * 3 ** 4 **", "<p>2 * 3 ** 4 **</p>"},
		{"a list after a paragraph", "a:\n- b\n* c", "<p>a:</p><ul><li>b</li><li>c</li></ul>"},
		{"a numbered list keeps its start", "3. a\n4. b", `<ol start="3"><li>a</li><li>b</li></ol>`},
		{"a Chinese list", "1、甲\n2、乙", `<ol start="1"><li>甲</li><li>乙</li></ol>`},
		{"a decimal is no list", "1.5 kg\n1.5 公斤", "<p>1.5 kg<br>1.5 公斤</p>"},
		{"an indented line belongs to its item", "- a\n  b\nc", "<ul><li>a<br>b</li></ul><p>c</p>"},
		{"a heading is bold", "## a\nb", "<p><strong>a</strong></p><p>b</p>"},
		{"a table", "a:\n| b | c |\n|---|:-:|\n| **d** | e [1] |\nf", "<p>a:</p>" + tabled("<th scope=\"col\">b</th><th scope=\"col\">c</th>", "<td><strong>d</strong></td><td>e <i>1</i></td>") + "<p>f</p>"},
		{"a row that is short, and a citation behind one", "| b | c |\n|---|---|\n| d |\n| e | f | [1]", tabled("<th scope=\"col\">b</th><th scope=\"col\">c</th>", "<td>d</td><td></td>", "<td>e</td><td>f <i>1</i></td>")},
		{"bars that make no table", "a | b\n| c | d |\n\n|---|---|", "<p>a | b<br>| c | d |</p><p>|---|---|</p>"},
		{"what is typed", "Open `Account > **Orders**` now", "<p>Open <code>Account &gt; **Orders**</code> now</p>"},
		{"markup and links stay text", "<b>a</b> [b](https://c.example)", "<p>&lt;b&gt;a&lt;/b&gt; [b](https://c.example)</p>"},
	} {
		got := js[string](p, `import('/chat/render.js').then(({ block, blocks, el }) =>
			blocks(`+quoted(test.text)+`).map((b) => block(b, (n) => el('i', {}, String(n))).outerHTML).join(''))`)
		if got != test.want {
			t.Errorf("%s: %q = %s, want %s", test.name, test.text, got, test.want)
		}
	}
}

// tabled is the markup of a table of these cells.
func tabled(head string, rows ...string) string {
	body := ""
	for _, row := range rows {
		body += "<tr>" + row + "</tr>"
	}
	return `<div class="wide" tabindex="0"><table><thead><tr>` + head + "</tr></thead><tbody>" + body + "</tbody></table></div>"
}

func TestHalfAMarkIsHeldBackWhileTheAnswerComes(t *testing.T) {
	p := open(t, view{locale: "en-GB", width: 1100}, serve(t, "").url)
	for text, want := range map[string]string{"a [": "a ", "a [12": "a ", "a [1]": "a [1]", "a **": "a ", "a *": "a ", "a [b": "a [b"} {
		if got := js[string](p, "import('/chat/render.js').then(({ settled }) => settled("+quoted(text)+"))"); got != want {
			t.Errorf("%q while streaming = %q, want %q", text, got, want)
		}
	}
}

func TestScreenReadersAreReadNoMarks(t *testing.T) {
	p := open(t, view{locale: "en-GB", width: 1100}, serve(t, "").url)
	text, want := "## Returns\n**30 days** [1], [b] stays [12].\n| Plan | Days |\n|---|---|\n| Plus | `45` [2] |", "Returns\n30 days, [b] stays.\nPlan, Days\nPlus, 45"
	if got := js[string](p, "import('/chat/render.js').then(({ spoken }) => spoken("+quoted(text)+"))"); got != want {
		t.Errorf("spoken = %q, want %q", got, want)
	}
}
