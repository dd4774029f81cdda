package ingest

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// kind is the format of a file as its first bytes tell, with its article.
type kind string

const (
	plainText  kind = "" // or nothing that is known
	pdfFile    kind = "a PDF"
	zipArchive kind = "a ZIP archive"
	oldOffice  kind = "an Office file of before 2007, or one with a password"
	richText   kind = "Rich Text"
)

// signatures are the first bytes of files that are no text, though some have
// no byte that a text could not have.
var signatures = []struct {
	bytes string
	kind  kind
}{
	{"%PDF-", pdfFile},
	{"PK\x03\x04", zipArchive},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", oldOffice},
	{"\x89PNG\r\n\x1A\n", "a PNG image"},
	{"\xFF\xD8\xFF", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"\x7FELF", "a program"},
	{"\x1F\x8B", "a gzip archive"},
	{"Rar!\x1A\x07", "a RAR archive"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"},
	{"{\\rtf", richText},
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

// remedy is what to do with a file of a kind that is not read, as the end of a
// sentence; empty where nothing helps.
func remedy(name string, k kind) string {
	ending := strings.ToLower(path.Ext(name))
	switch {
	case slices.Contains([]string{".xlsx", ".xlsm", ".xls", ".ods"}, ending):
		return "; save its sheets as .csv"
	case slices.Contains([]string{".pptx", ".ppt", ".odp", ".odt", ".epub"}, ending):
		return "; save it as PDF"
	case k == oldOffice:
		return "; save it as .docx, without a password"
	case k == richText:
		return "; save it as .docx"
	case strings.HasSuffix(string(k), " image"):
		return "; have its text recognised (OCR) and load that"
	case strings.HasSuffix(string(k), " archive") && ending != ".docx":
		return "; unpack it and load what is in it"
	default:
		return ""
	}
}

// misnamed says of data that is no text what its name promises in vain: a
// download that broke off, as a rule. Nil: the name promises nothing.
func misnamed(name string) *FileError {
	switch strings.ToLower(path.Ext(name)) {
	case ".pdf":
		return reject(CodeNotText, 0, "it is named .pdf and is no PDF, which begins with %%PDF-, nor text; export or download it again")
	case ".docx":
		return reject(CodeNotText, 0, "it is named .docx and is no Word document, nor text; save or download it again")
	default:
		return nil
	}
}
