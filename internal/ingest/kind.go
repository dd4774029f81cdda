package ingest

import (
	"bytes"
	"path"
	"strings"
)

// kind is the format of a file as its first bytes tell, with its article.
type kind string

const (
	plainText  kind = "" // or nothing that is known
	pdfFile    kind = "a PDF"
	zipArchive kind = "a ZIP archive"
)

// signatures are the first bytes of files that are no text, though some have
// no byte that a text could not have.
var signatures = []struct {
	bytes string
	kind  kind
}{
	{"%PDF-", pdfFile},
	{"PK\x03\x04", zipArchive},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an Office file of before 2007, or one with a password"},
	{"\x89PNG\r\n\x1A\n", "a PNG image"},
	{"\xFF\xD8\xFF", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"\x7FELF", "a program"},
	{"\x1F\x8B", "a gzip archive"},
	{"Rar!\x1A\x07", "a RAR archive"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"},
	{"{\\rtf", "Rich Text"},
}

// kindOf tells the format of data. A PDF may have up to a kilobyte of anything
// before it.
func kindOf(name string, data []byte) kind {
	if strings.EqualFold(path.Ext(name), ".pdf") && bytes.Contains(data[:min(len(data), 1024)], []byte("%PDF-")) {
		return pdfFile
	}
	for _, s := range signatures {
		if bytes.HasPrefix(data, []byte(s.bytes)) {
			return s.kind
		}
	}
	return plainText
}
