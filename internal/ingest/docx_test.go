package ingest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kefu/internal/desk"
)

// wordFile packs a Word document with the given body.
func wordFile(t testing.TB, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(`<w:document xmlns:w="w"><w:body>` + body + `</w:body></w:document>`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestExtractWordDocuments(t *testing.T) {
	p := func(style, text string) string {
		return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
	}
	row := func(cells ...string) string {
		var b strings.Builder
		for _, c := range cells {
			b.WriteString(`<w:tc>` + p("", c) + `</w:tc>`)
		}
		return `<w:tr>` + b.String() + `</w:tr>`
	}
	data := wordFile(t, p("Heading1", "配送")+p("", "三天送达。")+p("Heading2", "运费")+
		`<w:tbl>`+row("地区", "运费")+row("北京", "8 元")+`</w:tbl><w:tbl>`+row("只有一行")+`</w:tbl>`)
	for _, name := range []string{"shipping.docx", "shipping.md"} {
		x, err := extractNamed(t, name, data)
		if err != nil {
			t.Fatal(err)
		}
		want := []section{{[]string{"配送"}, "三天送达。"}, {[]string{"配送", "运费"}, "地区：北京 | 运费：8 元\n\n只有一行"}}
		same := func(a, b section) bool { return a.text == b.text && slices.Equal(a.heading, b.heading) }
		if !slices.EqualFunc(x.sections, want, same) || x.meta.title != "配送" || x.language() != desk.Chinese {
			t.Errorf("%s: title %q, sections =\n%q, want\n%q", name, x.meta.title, x.sections, want)
		}
	}
}

func TestWordDocumentsThatAreRefused(t *testing.T) {
	whole := wordFile(t, "<w:p/>")
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	z.Create("photo.png")
	z.Close()
	tests := []struct {
		name string
		data []byte
		code ErrorCode
	}{
		{"cut in half", whole[:len(whole)/2], CodeDocxBroken},
		{"a bomb", wordFile(t, strings.Repeat("a", 3<<20)), CodeDocxBomb},
		{"another archive", archive.Bytes(), CodeUnsupported},
		{"without text", whole, CodeEmpty},
		{"no archive", []byte("\x00\x01\x02"), CodeNotText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := extractNamed(t, "a.docx", tt.data)
			var got *FileError
			if !errors.As(err, &got) || got.Code != tt.code {
				t.Errorf("error = %v, want code %s", err, tt.code)
			}
		})
	}
}

func TestADocumentThatTakesTooLongCostsItselfAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExtractor(time.Minute, "")
		slow := func(ctx context.Context) (extract, error) { <-ctx.Done(); return extract{}, ctx.Err() }
		began := time.Now()
		_, err := e.bounded(t.Context(), slow)
		var known *FileError
		if !errors.As(err, &known) || known.Code != CodeTimedOut || time.Since(began) != time.Minute {
			t.Errorf("error = %v after %v, want %s after a minute", err, time.Since(began), CodeTimedOut)
		}
		if _, err := e.bounded(t.Context(), func(context.Context) (extract, error) { return extract{}, nil }); err != nil {
			t.Errorf("the next document: %v", err)
		}
	})
}

func TestFewDocumentsAreUnpackedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newExtractor(time.Minute, "")
		ctx, cancel := context.WithCancel(t.Context())
		release, done := make(chan struct{}), make(chan error)
		running := 0
		for range cap(e.workers) + 1 {
			go func() {
				_, err := e.bounded(ctx, func(context.Context) (extract, error) {
					running++
					<-release
					return extract{}, nil
				})
				done <- err
			}()
			synctest.Wait()
		}
		if running != cap(e.workers) {
			t.Errorf("%d documents at a time, want %d", running, cap(e.workers))
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the one that waits: %v, want that it is cancelled", err)
		}
		close(release)
		for range cap(e.workers) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}
