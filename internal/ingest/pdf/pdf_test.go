package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reader is shared: the engine takes seconds to start. Like go test itself it
// keeps what it compiled in the user's cache.
var reader *Reader

func TestMain(m *testing.M) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	reader = New(filepath.Join(dir, "kefu-test", "pdf-engine"))
	code := m.Run()
	if err := reader.Close(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// file makes a PDF with the given content streams, one a page, and entries of
// the trailer.
func file(trailer string, pages ...string) []byte {
	var out bytes.Buffer
	var offsets []int
	object := func(content string) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj%sendobj\n", len(offsets), content)
	}
	out.WriteString("%PDF-1.4\n")
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 5+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", kids.String(), len(pages)))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	object("<</Title(Returns and refunds)>>")
	for i, page := range pages {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources<</Font<</F1 3 0 R>>>>>>", 6+2*i))
		object(fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(page), page))
	}
	xref := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer<</Size %d/Root 1 0 R/Info 4 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, trailer, xref)
	return out.Bytes()
}

// lines is a content stream that shows lines below each other.
func lines(text ...string) string {
	var b strings.Builder
	for i, line := range text {
		fmt.Fprintf(&b, "BT /F1 10 Tf 72 %d Td (%s) Tj ET\n", 720-14*i, line)
	}
	return b.String()
}

func TestReadReturnsTheTextOfEachPage(t *testing.T) {
	doc, err := reader.Read(t.Context(), file("",
		lines("How long do refunds take? They take five days from the day on which we", "have the parcel back.", "Ask us."),
		"",
		lines("1. Pack the item.", "2. Print the label.")))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"How long do refunds take? They take five days from the day on which we have the parcel back.\n\nAsk us.",
		"",
		"1. Pack the item.\n2. Print the label.",
	}
	if doc.Title != "Returns and refunds" || strings.Join(doc.Pages, "|") != strings.Join(want, "|") {
		t.Errorf("title, pages = %q, %q, want %q", doc.Title, doc.Pages, want)
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	good := file("", lines("text"))
	protected := file("/Encrypt<</Filter/Standard/V 1/R 2/O("+strings.Repeat("o", 32)+")/U("+strings.Repeat("u", 32)+")/P -4>>", lines("text"))
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"cut inside an object", good[:300], ErrBroken},
		{"nothing behind the signature", []byte("%PDF-1.7\n"), ErrBroken},
		{"a password", protected, ErrEncrypted},
		{"too many pages", file("", make([]string, maxPages+1)...), ErrTooLarge},
		{"a page that is its own parent", bytes.Replace(good, []byte("/Kids[5 0 R ]"), []byte("/Kids[2 0 R ]"), 1), ErrBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := reader.Read(t.Context(), tt.data); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := reader.Read(t.Context(), good); err != nil {
		t.Errorf("a good file after them: %v", err)
	}
}

func TestAReadThatTakesLongIsInterrupted(t *testing.T) {
	if _, err := reader.Read(t.Context(), file("", lines("warm"))); err != nil {
		t.Fatal(err)
	}
	slow := file("", strings.Repeat("BT /F1 10 Tf 72 720 Td (abcdefghijklmnopqrstuvwxyz) Tj ET\n", 300_000))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := reader.Read(ctx, slow)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v after %v, want that of the deadline", err, time.Since(began))
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it ended %v after its deadline of 100ms", took)
	}
	if doc, err := reader.Read(t.Context(), file("", lines("the next one"))); err != nil || doc.Pages[0] != "the next one" {
		t.Errorf("the next document = %q, %v", doc.Pages, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file("", lines("text")))
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := reader.Read(ctx, data)
		if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrEncrypted) && !errors.Is(err, ErrTooLarge) && ctx.Err() == nil {
			t.Fatalf("error = %v, want one of ours", err)
		}
	})
}
