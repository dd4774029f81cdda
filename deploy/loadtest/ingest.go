package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// beside compares a load with and without work beside it, in turns. The work
// goes on until its context ends.
func beside(ctx context.Context, o options, plain func() (sample, error), work func(context.Context) error) (alone, together []sample, err error) {
	measure := func() (sample, error) {
		s, err := plain()
		if err == nil && s.failed > 0 {
			err = fmt.Errorf("%d requests failed", s.failed)
		}
		return s, err
	}
	for range o.rounds {
		s, err := measure()
		if err != nil {
			return nil, nil, err
		}
		alone = append(alone, s)
		working, stop := context.WithCancel(ctx)
		var g sync.WaitGroup
		var failed error
		g.Go(func() { failed = work(working) })
		s, err = measure()
		stop()
		g.Wait()
		if err := errors.Join(err, failed); err != nil {
			return nil, nil, err
		}
		together = append(together, s)
	}
	return alone, together, nil
}

// measurePoison sends documents that are made to keep their reader busy, one
// after another without a pause, while questions are asked.
func measurePoison(ctx context.Context, o options, l *lab) error {
	sim, err := l.simulator(ctx, o, "--latency", "fixed:50ms")
	if err != nil {
		return err
	}
	kefu, addr, err := l.server(ctx, o, "OPENAI_API_KEY=load-test", "OPENAI_BASE_URL=http://"+sim+"/v1")
	if err != nil {
		return err
	}
	making := exec.CommandContext(ctx, filepath.Join(o.bin, "kefu"), "keys", "create", "-q", "--role", "operator")
	making.Env = append(os.Environ(), "KEFU_DATA_DIR="+filepath.Join(l.dir, "data"))
	secret, err := making.Output()
	if err != nil {
		return fmt.Errorf("keys create: %w", err)
	}
	shelf := shelf{"http://" + addr, strings.TrimSpace(string(secret))}
	poisons, err := poisonous()
	if err != nil {
		return err
	}
	var questions asked
	var sent atomic.Int64
	o.rounds *= 3 // a p99 varies more than a p50
	alone, together, err := beside(ctx, o, func() (sample, error) {
		return load(ctx, addr, "/query", 8, o.each, kefu, func(int, int) string { return `{"question":"` + questions.next() + `"}` })
	}, func(ctx context.Context) error {
		for ; ctx.Err() == nil; sent.Add(1) {
			p := poisons[int(sent.Load())%len(poisons)]
			// The last one too is waited for: it must not disturb the next round.
			if err := shelf.upload(context.WithoutCancel(ctx), p.name, p.data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := shelf.upload(ctx, "good.md", []byte("# Good\n\nThis one is taken in.\n")); err != nil {
		return fmt.Errorf("after the poison: %w", err)
	}
	fmt.Printf("\nanswers beside poison documents, model of 50 ms, 8 connections (median of %d rounds, %d documents)\n", o.rounds, sent.Load())
	compared("poison", alone, together, p50, "p50", 1.1)
	compared("poison", alone, together, p99, "p99", 1.1)
	return nil
}

func compared(name string, alone, together []sample, of func(sample) float64, what string, bound float64) {
	ratios := make([]float64, len(alone)) // of turns that follow each other, when the machine is the same
	for i := range ratios {
		ratios[i] = of(together[i]) / of(alone[i])
	}
	slices.Sort(ratios)
	fmt.Printf("  %-42s %s %s\n  %-42s %s %s, %.2f × (bound ≤ %.1f ×)\n", "nothing else", what, millis(median(alone, of)),
		"beside "+name, what, millis(median(together, of)), ratios[len(ratios)/2], bound)
}

type poison struct {
	name string
	data []byte
}

// poisonous are documents within all limits of size that are dear to read, or
// grow when they are unpacked.
func poisonous() ([]poison, error) {
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	for _, name := range []string{"[Content_Types].xml", "word/document.xml"} {
		w, err := z.Create(name)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(w, io.LimitReader(zeros{}, 200<<20)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	paragraph := strings.Repeat("*a_ **b", 600) + "\n\n" // below the bound on a paragraph, so that the bound on all is met late
	row := strings.Repeat("|cell", 190) + "\n"
	return []poison{
		{"emphasis.md", []byte("# Poison\n\n" + strings.Repeat(paragraph, 900))},
		{"links.md", []byte("# Poison\n\n" + strings.Repeat("[a](", 1<<20))},
		{"nested.html", []byte("<html><body>" + strings.Repeat("<div><p>a", 400) + strings.Repeat("<b>a</b><i>b</i>", 49_000) + "</body></html>")},
		{"page.pdf", onePage(strings.Repeat("BT /F1 10 Tf 72 720 Td (abcdefghijklmnopqrstuvwxyz) Tj ET\n", 40_000))},
		{"table.md", []byte("# Poison\n\n" + row + strings.Repeat("|-", 190) + "\n" + strings.Repeat(row, 4_000) + strings.Repeat("|a", 300) + "\n")},
		{"bomb.docx", bomb.Bytes()},
	}, nil
}

// onePage is a PDF of one page, whose content stream is given.
func onePage(content string) []byte {
	return []byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n" +
		"4 0 obj<<>>stream\n" + content + "endstream endobj\n5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n" +
		"trailer<</Root 1 0 R>>\n%%EOF\n")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// shelf is where documents are handed in.
type shelf struct{ url, key string }

// upload hands in a document and returns when it is taken in or refused.
func (s shelf) upload(ctx context.Context, name string, data []byte) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err = errors.Join(err, form.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/documents", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("X-API-Key", s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return err
	case http.StatusUnprocessableEntity, http.StatusBadRequest: // refused, as it should be
		return err
	case http.StatusAccepted:
		return s.settled(ctx, resp.Header.Get("Location"))
	case http.StatusServiceUnavailable:
		time.Sleep(100 * time.Millisecond) // too many wait
		return nil
	}
	return fmt.Errorf("upload of %s: status %d: %.200s", name, resp.StatusCode, raw)
}

// settled waits until the document of a location is on its way no more. Its
// text is not fetched to see that.
func (s shelf) settled(ctx context.Context, location string) error {
	id := `"` + path.Base(location) + `"`
	for _, state := range []string{"queued", "extracting", "embedding"} { // in this order it comes through them
		for {
			listed, err := s.get(ctx, "/v1/documents?status="+state)
			if err != nil {
				return err
			}
			if !strings.Contains(listed, id) {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return nil
}

func (s shelf) get(ctx context.Context, path string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-API-Key", s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d: %.200s", path, resp.StatusCode, raw)
	}
	return string(raw), err
}

// measureReindex asks complex questions while every document is changed, loaded
// and embedded anew.
func measureReindex(ctx context.Context, o options, l *lab) error {
	sim, err := l.simulator(ctx, o)
	if err != nil {
		return err
	}
	docs := filepath.Join(l.dir, "docs")
	env := []string{
		"OPENAI_API_KEY=load-test", "OPENAI_BASE_URL=http://" + sim + "/v1", "KEFU_KNOWLEDGE_PATH=none",
		"KEFU_MODELS_EMBEDDING_DIMENSIONS=256", "KEFU_DATA_DIR=" + filepath.Join(l.dir, "data"),
	}
	words, err := writeDocuments(docs)
	if err != nil {
		return err
	}
	edition := 0
	index := func(ctx context.Context) error {
		edition++
		if err := edit(docs, edition); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, filepath.Join(o.bin, "kefu"), "kb", "sync", docs, "--source", "docs")
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil && ctx.Err() == nil {
			return fmt.Errorf("kb sync: %w\n%s", err, out)
		}
		return nil
	}
	start := time.Now()
	if err := index(ctx); err != nil {
		return err
	}
	took := time.Since(start)
	kefu, addr, err := l.server(ctx, o, env...)
	if err != nil {
		return err
	}
	o.each = max(o.each, took) // so that the whole of it is measured
	pick := picker(words)
	alone, together, err := beside(ctx, o, func() (sample, error) {
		return load(ctx, addr, "/query", 1, o.each, kefu, func(int, int) string { return pick() })
	}, index)
	if err != nil {
		return err
	}
	fmt.Printf("\nanswers during a full re-index of %d chunks × 256 dimensions, which takes %.1f s alone (median of %d rounds)\n", scaleChunks, took.Seconds(), o.rounds)
	compared("the re-index", alone, together, p50, "p50", 1.5)
	compared("the re-index", alone, together, p99, "p99", 1.5)
	return nil
}

// edit changes every section of every document.
func edit(dir string, edition int) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(raw), "\n\n", fmt.Sprintf("\n\nEdition %d. ", edition))
		if err := os.WriteFile(f, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
