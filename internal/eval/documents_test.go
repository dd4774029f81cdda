package eval_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"kefu/internal/desk"
	"kefu/internal/eval"
	"kefu/internal/ingest"
)

// shelf reads files that exist by name only.
type shelf map[string]string

func (s shelf) Preview(_ context.Context, path string) (desk.Prepared, error) {
	text, ok := s[filepath.Base(path)]
	if !ok {
		return desk.Prepared{}, &ingest.FileError{Path: path, Code: ingest.CodeEmpty, Reason: "the file is empty"}
	}
	return desk.Prepared{Document: desk.Document{Title: "Title of " + text}, Chunks: []desk.Chunk{{Heading: "Refunds", Text: text}}}, nil
}

func TestDocumentsAreHeldAgainstTheirIndex(t *testing.T) {
	dir := folder(t, map[string]string{
		"documents/index.json": `[{"path":"a.pdf","must_contain":["five days","Refunds"]},{"path":"b.md","must_contain":["six days"]},{"path":"gone.md"}]`,
		"broken/index.json":    `[{"path":"a.pdf","want":"accept"},{"path":"b.md","want":"reject"},{"path":"empty.md","want":"reject"},{"path":"x.md","want":"either"},{"path":"gone.md","want":"accept"}]`,
	})
	cfg := config()
	cfg.Reader, cfg.Broken = shelf{"a.pdf": "five days", "b.md": "four days"}, filepath.Join(dir, "broken")
	report, err := eval.Run(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	d := report.Documents
	if d.Files != 3 || d.OK != 1 || d.Wrong["b.md"] != `missing: ["six days"]` || d.Wrong["gone.md"] != "file_empty: the file is empty" {
		t.Errorf("documents = %+v", d)
	}
	b := d.Broken
	if b.Files != 5 || b.OK != 3 || b.Wrong["b.md"] != "accepted" || !strings.HasPrefix(b.Wrong["gone.md"], "refused: ") || len(b.Refused) != 3 {
		t.Errorf("broken = %+v", b)
	}
	var table bytes.Buffer
	if err := report.Table(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"broken and hostile", "six days", "most memory"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("table lacks %q:\n%s", want, table.String())
		}
	}
}

// greedy takes 100 MB for a file.
type greedy struct{}

func (greedy) Preview(context.Context, string) (desk.Prepared, error) {
	waste := bytes.Repeat([]byte("x"), 100<<20)
	return desk.Prepared{}, errors.New(string(waste[:1]))
}

func TestMemoryOfAHostileFileIsMeasured(t *testing.T) {
	dir := folder(t, map[string]string{"documents/index.json": "[]", "broken/index.json": `[{"path":"a","want":"reject"}]`})
	cfg := config()
	cfg.Reader, cfg.Broken = greedy{}, filepath.Join(dir, "broken")
	report, err := eval.Run(t.Context(), dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if b := report.Documents.Broken; b.GrownMB < 90 || !strings.Contains(b.Wrong["a"], "MB") {
		t.Errorf("broken = %+v, want that it takes 100 MB", b)
	}
}

func TestAnIndexDoesNotLeadOutOfItsFolder(t *testing.T) {
	cfg := config()
	cfg.Reader = shelf{}
	if _, err := eval.Run(t.Context(), folder(t, map[string]string{"documents/index.json": `[{"path":"../a"}]`}), cfg); err == nil {
		t.Error("a path above the folder is read")
	}
}
