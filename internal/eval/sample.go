package eval

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

// sample is the name of the sample knowledge base among the sets.
const sample = "sample"

// sampleEvidence is what is found in the sample knowledge base for this
// project's own support questions: a knowledge base that says a thing in an
// answer, on a page and on the next, as those of companies do and those of
// the other sets do not.
func (c Config) sampleEvidence(ctx context.Context) ([]weighed, error) {
	if c.Sample == "" || c.Reader == nil {
		return nil, nil
	}
	passages, err := c.samplePassages(ctx)
	if err != nil {
		return nil, err
	}
	items, err := c.embedded(ctx, passages)
	if err != nil {
		return nil, err
	}
	ix, err := retrieval.New(c.Retrieval, items)
	if err != nil {
		return nil, err
	}
	var questions []probe
	for _, e := range route.Support() {
		switch e.Sample {
		case "answered":
			questions = append(questions, probe{query: query{Text: e.Text}})
		case "unanswered":
			questions = append(questions, probe{query: query{Text: e.Text}, kind: "not_there"})
		} // others are pleasantries, or answered in part
	}
	c.Progress(fmt.Sprintf("%s: %d questions over %d passages", c.Sample, len(questions), ix.Len()))
	examples, err := c.weigh(ctx, sample, func(query) *retrieval.Index { return ix }, questions)
	for i := range examples {
		examples[i].Aside = true
	}
	return examples, err
}

func (c Config) samplePassages(ctx context.Context) ([]desk.Passage, error) {
	var passages []desk.Passage
	err := filepath.WalkDir(c.Sample, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		doc, err := c.Reader.Preview(ctx, path)
		if err != nil {
			return err
		}
		for _, chunk := range doc.Chunks {
			chunk.ID = desk.ChunkID(fmt.Sprintf("%s#%d", path, chunk.Ordinal))
			chunk.Document = desk.DocumentID(path)
			passages = append(passages, desk.Passage{Chunk: chunk, Title: doc.Document.Title})
		}
		return nil
	})
	return passages, err
}
