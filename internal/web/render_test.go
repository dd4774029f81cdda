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
		{"markup and links stay text", "<b>a</b> [b](https://c.example)", "<p>&lt;b&gt;a&lt;/b&gt; [b](https://c.example)</p>"},
	} {
		got := js[string](p, `import('/chat/render.js').then(({ block, blocks, el }) =>
			blocks(`+quoted(test.text)+`).map((b) => block(b, (n) => el('i', {}, String(n))).outerHTML).join(''))`)
		if got != test.want {
			t.Errorf("%s: %q = %s, want %s", test.name, test.text, got, test.want)
		}
	}
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
	text, want := "## Returns\n**30 days** [1], [b] stays [12].", "Returns\n30 days, [b] stays."
	if got := js[string](p, "import('/chat/render.js').then(({ spoken }) => spoken("+quoted(text)+"))"); got != want {
		t.Errorf("spoken = %q, want %q", got, want)
	}
}
