package ingest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kefu/internal/desk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func newChunker(target, most, overlap int) chunker {
	return chunker{target: target, most: most, overlap: overlap, count: countTokens}
}

// checkCover fails unless the chunks of text are slices of it that, without
// what they repeat, cover everything but white space in order.
func checkCover(t *testing.T, c chunker, text string, spans []span) {
	t.Helper()
	at := 0
	for i, s := range spans {
		if !(s.start <= s.fresh && s.fresh < s.end && s.end <= len(text) && at <= s.fresh) {
			t.Fatalf("chunk %d is %+v after %d of %d bytes", i, s, at, len(text))
		}
		if gap := text[at:s.fresh]; strings.TrimSpace(gap) != "" {
			t.Errorf("%q before chunk %d is in no chunk", gap, i)
		}
		if n := c.count(text[s.start:s.end]); n > c.most {
			t.Errorf("chunk %d has %d tokens, want at most %d", i, n, c.most)
		}
		if i > 0 && s.start < s.fresh && s.start <= spans[i-1].start {
			t.Errorf("chunk %d repeats the whole chunk before", i)
		}
		at = s.end
	}
	if rest := text[at:]; strings.TrimSpace(rest) != "" {
		t.Errorf("%q at the end is in no chunk", rest)
	}
}

func TestChunksCoverTheText(t *testing.T) {
	english := strings.Repeat("You may return any item within 30 days of delivery. Keep the receipt, e.g. in the box. ", 60)
	chinese := strings.Repeat("签收后七天内可以申请退货。请保留好小票和包装！", 120)
	list := "Follow these steps:\n\n" + strings.Repeat("1. Open the app and choose your order.\n2. 选择退货原因，并上传照片。\n", 40)
	tests := []struct{ name, text string }{
		{"English prose", english},
		{"Chinese prose", chinese},
		{"a long list", list},
		{"paragraphs", strings.Repeat(english[:170]+"\n\n"+chinese[:210]+"\n\n", 9)},
		{"a run without any break", strings.Repeat("a1b2c3", 4000)},
		{"a Han run without any break", strings.Repeat("龘靐齉", 2000)},
		{"lines of one letter", strings.Repeat("a\n\n", 2000)},
		{"blank", " \n\n \t"},
		{"empty", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []chunker{newChunker(300, 450, 50), newChunker(50, 50, 20), newChunker(100, 120, -1)} {
				checkCover(t, c, tt.text, c.split(tt.text))
			}
		})
	}
}

func TestWhatBelongsTogetherStaysTogether(t *testing.T) {
	sentence := "Keep the receipt and the original box until the refund has arrived in your account. "
	steps := "1. Open the app.\n2. Choose the order.\n3. Print the label.\n4. Bring the parcel to a shop."
	prose := strings.TrimSpace(strings.Repeat(sentence, 15)) // about 240 tokens
	t.Run("a list is not cut where it fits a chunk", func(t *testing.T) {
		text := prose + "\n\n" + strings.Repeat(steps+"\n", 4)
		c := newChunker(300, 450, 50)
		for _, s := range c.split(text) {
			if part := text[s.fresh:s.end]; strings.Contains(part, "1. Open") && strings.Count(part, "4. Bring") != 4 {
				t.Errorf("the list is cut: %q", part)
			}
		}
	})
	t.Run("a line that announces a list stays with it", func(t *testing.T) {
		text := "Follow these steps:\n\n" + strings.TrimSpace(strings.Repeat(steps+"\n", 9)) // about 290 tokens
		if got := len(newChunker(280, 450, 50).split(text)); got != 1 {
			t.Errorf("%d chunks, want 1", got)
		}
	})
	t.Run("prose is cut between sentences and repeats the last", func(t *testing.T) {
		text := strings.TrimSpace(strings.Repeat(sentence, 60))
		spans := newChunker(300, 450, 50).split(text)
		if len(spans) < 3 {
			t.Fatalf("%d chunks, want at least 3", len(spans))
		}
		for _, s := range spans {
			if part := text[s.start:s.end]; !strings.HasPrefix(part, "Keep") || !strings.HasSuffix(part, "account.") {
				t.Errorf("chunk is cut inside a sentence: %q", part)
			}
		}
		if repeated := text[spans[1].start:spans[1].fresh]; strings.Count(repeated, "Keep") < 1 || strings.Count(repeated, "Keep") > 2 {
			t.Errorf("repeats %q, want one or two sentences", repeated)
		}
	})
	t.Run("rows of a long table are not cut", func(t *testing.T) {
		text := strings.TrimSpace(strings.Repeat("Plan: Plus | Price: $9.99. Paid monthly. | Storage: 2 TB\n", 60))
		for _, s := range newChunker(300, 450, -1).split(text) {
			if part := text[s.start:s.end]; !strings.HasPrefix(part, "Plan") || !strings.HasSuffix(part, "TB") {
				t.Errorf("chunk is cut inside a row: %q", part)
			}
		}
	})
}

func TestALongAnswerIsAPassageNotACuratedAnswer(t *testing.T) {
	l := New(nil, nil, nil, Config{})
	x := extract{meta: meta{named: true}, pairs: []pair{
		{question: "短问题？", answer: "短答案。"},
		{question: "长问题？", answer: strings.Repeat("这个答案很长。", 200)},
	}}
	chunks := l.chunks(desk.Document{ID: "doc", Title: "常见问题"}, x)
	if chunks[0].Question != "短问题？" || chunks[0].Heading != "常见问题" || chunks[0].Lang != desk.Chinese {
		t.Errorf("first chunk = %+v", chunks[0])
	}
	for _, c := range chunks[1:] {
		if c.Question != "" || c.Heading != "常见问题 › 长问题？" || c.Tokens > 450 {
			t.Errorf("chunk %d: question %q, heading %q, %d tokens", c.Ordinal, c.Question, c.Heading, c.Tokens)
		}
	}
}

func TestGoldenChunks(t *testing.T) {
	for _, name := range []string{"returns-en.md", "returns-zh.md"} {
		t.Run(name, func(t *testing.T) {
			l := New(nil, nil, nil, Config{TargetTokens: 60, MaxTokens: 90, OverlapTokens: 20})
			got, err := l.prepare(t.Context(), "default", "golden", file{path: name, dir: "testdata", name: name})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.MarshalIndent(got, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden.json")
			if *update {
				write(t, golden, string(text)+"\n")
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(text)+"\n" != string(want) {
				t.Errorf("chunks of %s differ from %s; run with -update and review\n%s", name, golden, text)
			}
		})
	}
}

func FuzzChunker(f *testing.F) {
	f.Add("You may return it. Keep the box.\n\n1. Open\n2. Close\n", uint8(0))
	f.Add("签收后七天内可以退货。请保留小票！\n\n| a | b |", uint8(40))
	f.Add(strings.Repeat("x", 500)+" "+strings.Repeat("龘", 300), uint8(9))
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		clean, err := decode([]byte(text))
		if err != nil {
			return
		}
		c := newChunker(50+int(size)/2, 50+int(size), int(size)/8)
		checkCover(t, c, string(clean), c.split(string(clean)))
	})
}

func TestWhatIntroducesStaysWithWhatItIntroduces(t *testing.T) {
	prose := strings.Repeat("You may return any item within 30 days. ", 7)
	list := strings.TrimSpace(strings.Repeat("- Open the app and choose the order.\n", 6))
	tests := []struct{ name, text, lead, follows string }{
		{"a list after a blank line", prose + "\n\nFollow these steps:\n\n" + list, "Follow these steps:", "- Open the app"},
		{"a list in the next line", prose + "\n\nFollow these steps:\n" + list, "Follow these steps:", "- Open the app"},
		{"a command", prose + "\n\nRun this on the server:\n\nkefu kb sync docs --source docs", "Run this on the server:", "kefu kb sync"},
		{"in Chinese", strings.Repeat("签收后三十天内可以退货。", 12) + "\n\n请按以下步骤操作：\n\n1. 打开应用，选择订单。\n2. 点击退货。", "请按以下步骤操作：", "1. 打开应用"},
		{"a list longer than a chunk", prose + "\n\nFollow these steps:\n\n" + strings.TrimSpace(strings.Repeat(list+"\n", 5)), "Follow these steps:", "- Open the app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newChunker(70, 100, 10)
			spans := c.split(tt.text)
			checkCover(t, c, tt.text, spans)
			if len(spans) < 2 {
				t.Fatalf("%d chunks, want the text cut", len(spans))
			}
			for i, s := range spans {
				chunk := tt.text[s.fresh:s.end]
				if strings.Contains(chunk, tt.lead) && !strings.Contains(chunk, tt.follows) {
					t.Errorf("chunk %d is %q, without what follows", i, chunk)
				}
			}
		})
	}
}
