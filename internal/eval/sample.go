package eval

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"

	"kefu/internal/desk"
	"kefu/internal/retrieval"
	"kefu/internal/route"
)

// sample and keywords are the names of what the sample knowledge base is asked,
// among the sets.
const sample, keywords = "sample", "keywords"

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
	short := keywordQuestions()
	c.Progress(fmt.Sprintf("%s: %d questions over %d passages", c.Sample, len(questions)+len(short), ix.Len()))
	one := func(query) *retrieval.Index { return ix }
	examples, err := c.weigh(ctx, sample, one, questions)
	if err != nil {
		return nil, err
	}
	more, err := c.weigh(ctx, keywords, one, short)
	examples = append(examples, more...)
	for i := range examples {
		examples[i].Aside = true
	}
	return examples, err
}

// keywordLines are what customers type who look for a page: a word or two. The
// English sets have none, and a judge that knows none takes each for too little.
//
//go:embed testdata/keywords.jsonl
var keywordLines []byte

func keywordQuestions() []probe {
	var questions []probe
	for line := range bytes.Lines(keywordLines) {
		var e struct{ Text, Sample string }
		if err := json.Unmarshal(line, &e); err != nil {
			panic(err) // a part of the program
		}
		q := probe{query: query{Text: e.Text}}
		if e.Sample == "unanswered" {
			q.kind = "not_there"
		}
		questions = append(questions, q)
	}
	return questions
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
