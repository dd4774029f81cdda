package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"kefu/internal/desk"
	"kefu/internal/ingest"
)

// previewJSON is a document as a dry run cut it: what it would be, and what of
// it would be found.
type previewJSON struct {
	describedJSON
	Outcome ingest.Outcome `json:"outcome"`        // what a load would make of it
	Text    []chunkJSON    `json:"text,omitempty"` // absent where a sync asks what changes
}

func newPreviewJSON(p desk.Prepared, outcome ingest.Outcome) previewJSON {
	return previewJSON{newDescribedJSON(p.Document), outcome, each(p.Chunks, newChunkJSON)}
}

// showPreview prints a line for each document and one for each of its chunks,
// where these are asked for.
func showPreview(w io.Writer, docs []previewJSON) {
	const words = 60 // characters of a chunk that are shown
	for _, d := range docs {
		fmt.Fprintf(w, "%s: %s, %s, %s", oneLine(d.Path), d.Outcome, orDash(d.Lang), d.Kind)
		if len(d.Text) > 0 {
			fmt.Fprintf(w, ", %s", plural(len(d.Text), "chunk"))
		}
		fmt.Fprintln(w)
		for i, c := range d.Text {
			text := strings.Join(strings.Fields(cmp.Or(c.Question, c.Text)), " ")
			fmt.Fprintf(w, "%5d  %4d tokens  %s: %s\n", i, c.Tokens, cmp.Or(c.Heading, d.Title), shorten(text, words))
		}
	}
}
