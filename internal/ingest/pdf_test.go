package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// onePage makes a PDF of one page, whose content stream is given.
func onePage(content string) []byte {
	return []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n" +
		"4 0 obj<<>>stream\n" + content + "\nendstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" +
		"trailer<</Root 1 0 R>>\n%%EOF\n")
}

func TestExtractPDF(t *testing.T) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	e := newExtractor(time.Minute, filepath.Join(dir, "kefu-test"))
	defer e.pdf.Close()
	text := onePage("BT /F1 12 Tf 72 720 Td (Refunds take five days.) Tj ET")
	for _, name := range []string{"refunds.pdf", "refunds.md"} {
		x, err := e.extract(t.Context(), name, text)
		if err != nil {
			t.Fatal(err)
		}
		if len(x.sections) != 1 || x.sections[0].text != "Refunds take five days." || x.sections[0].heading[0] != "page 1" || x.meta.title != "Refunds" {
			t.Errorf("%s: title %q, sections %q", name, x.meta.title, x.sections)
		}
	}
	tests := []struct {
		name string
		data []byte
		code ErrorCode
	}{
		{"a page of images", onePage("q Q"), CodePDFNoText},
		{"cut off", text[:60], CodePDFBroken},
		{"a password", []byte(strings.Replace(string(text), "/Root", "/Encrypt<</Filter/Standard/V 1/R 2/O("+strings.Repeat("o", 32)+
			")/U("+strings.Repeat("u", 32)+")/P -4>>/Root", 1)), CodePDFEncrypted},
		{"not what its name says", []byte("\x00\x01\x02"), CodeNotText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.extract(t.Context(), "a.pdf", tt.data)
			var got *FileError
			if !errors.As(err, &got) || got.Code != tt.code {
				t.Errorf("error = %v, want code %s", err, tt.code)
			}
		})
	}
}
