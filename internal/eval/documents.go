package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/ingest"
	"kefu/internal/ingest/child"
)

// Reader is what is measured on files: it extracts and cuts one.
type Reader interface {
	Preview(ctx context.Context, path string) (desk.Prepared, error)
}

const (
	// longest bounds the reading of one file; one that takes longer hangs.
	longest = 2 * time.Minute
	// mostGrowth is how much memory a hostile file may cost, in bytes.
	mostGrowth = 64 << 20
)

// Documents is the quality of extraction.
type Documents struct {
	Files int `json:"files"`
	OK    int `json:"ok"` // all that must come out came out
	// Wrong says for each other file what was missing, or why it was refused.
	Wrong map[string]string `json:"wrong,omitempty"`
	// ChunksPerSecond is the throughput of reading these files once more, when
	// the PDF engine has started, without embedding.
	ChunksPerSecond float64 `json:"chunks_per_second"`
	Broken          *Broken `json:"broken,omitempty"`
}

// Broken is how broken and hostile files are dealt with.
type Broken struct {
	Files int `json:"files"`
	OK    int `json:"ok"` // accepted or refused as they should be, in time and memory
	// Wrong says for each other file what happened.
	Wrong map[string]string `json:"wrong,omitempty"`
	// Refused is why each refused file was.
	Refused map[string]string `json:"refused,omitempty"`
	// GrownMB is the most that the process grew by for one file.
	GrownMB float64 `json:"grown_mb"`
}

// listed is an entry of documents/index.json or of the index of broken files.
type listed struct {
	Path        string   `json:"path"`
	MustContain []string `json:"must_contain"`
	Want        string   `json:"want"` // accept, reject or either
}

// readIndex reads the index of a folder of files, nil when there is none.
func readIndex(dir string) ([]listed, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []listed
	if err == nil {
		err = json.Unmarshal(raw, &files)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "index.json"), err)
	}
	for _, f := range files {
		if !filepath.IsLocal(f.Path) {
			return nil, fmt.Errorf("%s: path %q leads out of the folder", filepath.Join(dir, "index.json"), f.Path)
		}
	}
	return files, nil
}

func measureDocuments(ctx context.Context, cfg Config, dir string, r *Report) error {
	if cfg.Reader == nil {
		return nil
	}
	dir = filepath.Join(dir, "documents")
	files, err := readIndex(dir)
	if err != nil {
		return err
	}
	if files == nil {
		cfg.Progress("documents/index.json: no such file, skipped")
		return nil
	}
	cfg.Progress(fmt.Sprintf("documents: %d files", len(files)))
	d := Documents{Files: len(files), Wrong: map[string]string{}}
	for _, f := range files {
		doc, err := preview(ctx, cfg.Reader, filepath.Join(dir, f.Path))
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch missing := missing(doc, f.MustContain); {
		case err != nil:
			d.Wrong[f.Path] = reason(err)
		case len(doc.Chunks) == 0:
			d.Wrong[f.Path] = "no chunks"
		case len(missing) > 0:
			d.Wrong[f.Path] = fmt.Sprintf("missing: %q", missing)
		default:
			d.OK++
		}
	}
	chunks, began := 0, time.Now()
	for _, f := range files {
		doc, _ := preview(ctx, cfg.Reader, filepath.Join(dir, f.Path)) // its error is counted above
		chunks += len(doc.Chunks)
	}
	d.ChunksPerSecond = round(float64(chunks) / time.Since(began).Seconds())
	r.Documents = &d
	if cfg.Broken != "" {
		d.Broken, err = measureBroken(ctx, cfg)
	}
	return err
}

// reason is why a file was refused, beginning with the code.
func reason(err error) string {
	var refused *ingest.FileError
	if errors.As(err, &refused) {
		return fmt.Sprintf("%s: %s", refused.Code, refused.Reason)
	}
	return err.Error()
}

func preview(ctx context.Context, r Reader, path string) (desk.Prepared, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return r.Preview(ctx, path)
}

// missing lists the wanted strings that neither the title nor a chunk holds.
func missing(doc desk.Prepared, want []string) []string {
	var b strings.Builder
	fmt.Fprintln(&b, doc.Document.Title)
	for _, c := range doc.Chunks {
		fmt.Fprintln(&b, c.Heading, c.Question, c.Text)
	}
	return slices.DeleteFunc(slices.Clone(want), func(s string) bool { return strings.Contains(b.String(), s) })
}

// measureBroken reads broken and hostile files. The first good one has started
// what stays in memory before growth is measured.
func measureBroken(ctx context.Context, cfg Config) (*Broken, error) {
	files, err := readIndex(cfg.Broken)
	if err != nil {
		return nil, err
	}
	cfg.Progress(fmt.Sprintf("broken files: %d", len(files)))
	b := Broken{Files: len(files), Wrong: map[string]string{}, Refused: map[string]string{}}
	for _, f := range files {
		var err error
		grown := growth(func() { _, err = preview(ctx, cfg.Reader, filepath.Join(cfg.Broken, f.Path)) })
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		b.GrownMB = max(b.GrownMB, round(float64(grown)/(1<<20)))
		if err != nil {
			b.Refused[f.Path] = reason(err)
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			b.Wrong[f.Path] = fmt.Sprintf("hangs for %v", longest)
		case grown > mostGrowth:
			b.Wrong[f.Path] = fmt.Sprintf("takes %d MB", grown>>20)
		case f.Want == "accept" && err != nil:
			b.Wrong[f.Path] = "refused: " + reason(err)
		case f.Want == "reject" && err == nil:
			b.Wrong[f.Path] = "accepted"
		default:
			b.OK++
		}
	}
	return &b, nil
}

// growth is by how many bytes the memory of the process grew at most during f.
func growth(f func()) uint64 {
	debug.FreeOSMemory()
	before := child.Held()
	most, stop, done := before, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-tick.C:
				most = max(most, child.Held())
			case <-stop:
				tick.Stop()
				return
			}
		}
	}()
	f()
	close(stop)
	<-done
	return max(most, child.Held()) - before
}

func documentsTable(r Report, t io.Writer) {
	if r.Documents == nil {
		return
	}
	rows := func(name string, files, ok int, wrong map[string]string) {
		fmt.Fprintf(t, "%s\t%d\t%d\t\n", name, files, ok)
		for _, path := range slices.Sorted(maps.Keys(wrong)) {
			fmt.Fprintf(t, "%s\t%s\t\t\n", path, wrong[path])
		}
	}
	fmt.Fprintln(t, "documents\tfiles\tas they should be\t")
	rows("real", r.Documents.Files, r.Documents.OK, r.Documents.Wrong)
	if b := r.Documents.Broken; b != nil {
		rows("broken and hostile", b.Files, b.OK, b.Wrong)
		fmt.Fprintf(t, "most memory for one\t%.0f MB\t\t\n", b.GrownMB)
	}
}
