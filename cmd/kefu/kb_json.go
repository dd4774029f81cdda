package main

import (
	"cmp"
	"time"

	"kefu/internal/desk"
	"kefu/internal/ingest"
	"kefu/internal/store"
)

// What the kb commands print with --json: names as in the HTTP interface, and
// lists that are never null.

// describedJSON is what is known of a document before it is published.
type describedJSON struct {
	ID        desk.DocumentID   `json:"id"`
	Source    string            `json:"source"`
	Path      string            `json:"path"`
	Title     string            `json:"title"`
	URL       string            `json:"url"`
	Lang      desk.Lang         `json:"lang"`
	Kind      desk.DocumentKind `json:"kind"`
	LocalOnly bool              `json:"local_only"`
	Flag      string            `json:"flag"` // the rule by which the guard suspects it; empty: none
	Bytes     int64             `json:"bytes"`
}

func newDescribedJSON(d desk.Document) describedJSON {
	return describedJSON{
		ID: d.ID, Source: d.Source, Path: d.Path, Title: d.Title, URL: d.URL, Lang: d.Lang, Kind: d.Kind, LocalOnly: d.LocalOnly, Flag: d.Flag, Bytes: d.Bytes,
	}
}

type documentJSON struct {
	describedJSON
	Hash      string        `json:"hash"`
	Chunks    int           `json:"chunks"`
	Revision  desk.Revision `json:"revision"`
	UpdatedAt time.Time     `json:"updated_at"`
}

// listedJSON is a document or a file that is to become one.
type listedJSON struct {
	documentJSON
	Status desk.IntakeState `json:"status"`
	Code   string           `json:"code,omitempty"`
	Reason string           `json:"reason,omitempty"`
}

// newListJSON joins what is published with what is on its way in.
func newListJSON(docs []desk.Document, intake []desk.Intake) []listedJSON {
	type place struct{ source, path string }
	list := make([]listedJSON, 0, len(docs)+len(intake))
	at := make(map[place]int, len(docs))
	for _, d := range docs {
		at[place{d.Source, d.Path}] = len(list)
		list = append(list, listedJSON{documentJSON: newDocumentJSON(d), Status: desk.Ready})
	}
	for _, f := range intake {
		i, published := at[place{f.Source, f.Path}]
		if !published {
			i = len(list)
			list = append(list, listedJSON{documentJSON: documentJSON{describedJSON: describedJSON{ID: f.Document, Source: f.Source, Path: f.Path}, UpdatedAt: f.Since}})
		}
		list[i].Status, list[i].Code, list[i].Reason = f.State, f.Code, f.Reason
	}
	return list
}

// orDash is for a column of a table.
func orDash[T ~string](value T) T { return cmp.Or(value, "-") }

func newDocumentJSON(d desk.Document) documentJSON {
	return documentJSON{newDescribedJSON(d), d.Hash, d.Chunks, d.Revision, d.UpdatedAt}
}

// shownJSON is a document with its text.
type shownJSON struct {
	documentJSON
	Text []chunkJSON `json:"text"`
}

type chunkJSON struct {
	ID       desk.ChunkID `json:"id"`
	Heading  string       `json:"heading"`
	Question string       `json:"question,omitempty"`
	Text     string       `json:"text"`
	Lang     desk.Lang    `json:"lang"`
	Tokens   int          `json:"tokens"`
	Flag     string       `json:"flag,omitempty"`
}

func newChunkJSON(c desk.Chunk) chunkJSON {
	return chunkJSON{ID: c.ID, Heading: c.Heading, Question: c.Question, Text: c.Text, Lang: c.Lang, Tokens: c.Tokens, Flag: c.Flag}
}

// passageJSON is a chunk that was found.
type passageJSON struct {
	chunkJSON
	Document desk.DocumentID `json:"document_id"`
	Title    string          `json:"title"`
	URL      string          `json:"url"`
	Score    float64         `json:"score"`
	Vector   float64         `json:"vector"`
	Lexical  float64         `json:"lexical"`
}

func newPassageJSON(h desk.Hit) passageJSON {
	return passageJSON{
		chunkJSON: newChunkJSON(h.Chunk), Document: h.Document, Title: h.Title, URL: h.Passage.URL,
		Score: h.Score, Vector: h.Vector, Lexical: h.Lexical,
	}
}

// inspectionJSON explains a search.
type inspectionJSON struct {
	Question    desk.Masked    `json:"question"`
	Lang        desk.Lang      `json:"lang"`
	Route       desk.RouteKind `json:"route"`
	RouteReason string         `json:"route_reason"`
	Revision    desk.Revision  `json:"revision"`
	Answerable  float64        `json:"answerable,omitempty"` // absent: it is not asked
	Hits        []hitJSON      `json:"hits"`
}

type hitJSON struct {
	passageJSON
	Fused    float64      `json:"fused"`
	Coverage float64      `json:"coverage"`
	Sentence float64      `json:"sentence"`
	Pairs    float64      `json:"pairs"`
	Page     float64      `json:"page"`
	Terms    []string     `json:"terms"`
	Cut      desk.Cut     `json:"cut,omitempty"` // absent: it enters the prompt
	RepeatOf desk.ChunkID `json:"repeat_of,omitempty"`
	// Translation: it has the score of the page that it translates.
	Translation bool `json:"translation"`
}

func newInspectionJSON(in desk.Inspection) inspectionJSON {
	return inspectionJSON{
		Question: in.Question, Lang: in.Lang, Route: in.Route.Kind, RouteReason: in.Route.Reason, Revision: in.Revision, Answerable: in.Answerable,
		Hits: each(in.Hits, func(h desk.Hit) hitJSON {
			return hitJSON{newPassageJSON(h), h.Fused, h.Coverage, h.Sentence, h.Pairs, h.Page, h.Terms, h.Cut, h.Of, h.Borrowed}
		}),
	}
}

type loadJSON struct {
	DryRun     bool          `json:"dry_run"`
	Added      int           `json:"added"`
	Updated    int           `json:"updated"`
	Unchanged  int           `json:"unchanged"`
	Removed    int           `json:"removed"`
	Chunks     int           `json:"chunks"`
	Embedded   int           `json:"embedded"`
	Unembedded int           `json:"unembedded"`
	Flagged    []flaggedJSON `json:"flagged"`
	Failed     []failureJSON `json:"failed"`
	Documents  []previewJSON `json:"documents,omitzero"` // of the dry run of a load
	Revision   desk.Revision `json:"revision"`
	ElapsedMS  int64         `json:"elapsed_ms"`
}

// flaggedJSON is a loaded file that may speak to the assistant.
type flaggedJSON struct {
	Path   string `json:"path"`
	Rule   string `json:"rule"`
	Chunks int    `json:"chunks"`
}

type failureJSON struct {
	Path   string           `json:"path"`
	Code   ingest.ErrorCode `json:"code"`
	Line   int              `json:"line,omitempty"`
	Reason string           `json:"reason"`
}

func newLoadJSON(r ingest.Report, dry bool, preview []previewJSON) loadJSON {
	return loadJSON{
		DryRun: dry, Added: r.Added, Updated: r.Updated, Unchanged: r.Unchanged, Removed: r.Removed,
		Chunks: r.Chunks, Embedded: r.Embedded, Unembedded: r.Unembedded,
		Flagged: each(r.Flagged, func(f ingest.FlaggedFile) flaggedJSON { return flaggedJSON(f) }),
		Failed: each(r.Failed, func(f ingest.FileError) failureJSON {
			return failureJSON{Path: f.Path, Code: f.Code, Line: f.Line, Reason: f.Reason}
		}),
		Documents: preview, Revision: r.Revision, ElapsedMS: r.Elapsed.Milliseconds(),
	}
}

type statusJSON struct {
	Database  string                    `json:"database"`
	Revision  desk.Revision             `json:"revision"`
	UpdatedAt *time.Time                `json:"updated_at"` // null before the first publish
	Documents int                       `json:"documents"`
	Flagged   int                       `json:"flagged"`
	Chunks    int                       `json:"chunks"`
	Bytes     int64                     `json:"bytes"`
	Kinds     map[desk.DocumentKind]int `json:"kinds"`
	Langs     map[desk.Lang]int         `json:"langs"`
	Embedder  string                    `json:"embedder"` // the model in use
	Embedded  map[string]int            `json:"embedded"` // chunks by embedding model
	Intake    map[desk.IntakeState]int  `json:"intake"`   // files on their way in, or failed
}

type releaseJSON struct {
	Revision desk.Revision    `json:"revision"`
	Kind     desk.ReleaseKind `json:"kind"`
	Source   string           `json:"source"`
	Author   string           `json:"author"`
	Restored desk.Revision    `json:"restored,omitempty"`
	At       time.Time        `json:"at"`
	Added    int              `json:"added"`
	Updated  int              `json:"updated"`
	Removed  int              `json:"removed"`
}

func newReleaseJSON(r desk.Release) releaseJSON { return releaseJSON(r) }

func newStatusJSON(s store.Status, database, embedder string, intake []desk.Intake) statusJSON {
	j := statusJSON{
		Database: database, Revision: s.Revision, Documents: s.Documents, Flagged: s.Flagged, Chunks: s.Chunks, Bytes: s.Bytes,
		Kinds: s.Kinds, Langs: s.Langs, Embedder: embedder, Embedded: s.Models,
		Intake: make(map[desk.IntakeState]int),
	}
	for _, f := range intake {
		j.Intake[f.State]++
	}
	if !s.UpdatedAt.IsZero() {
		j.UpdatedAt = &s.UpdatedAt
	}
	return j
}

// each is the list of what f makes of every element, never nil.
func each[T, U any](list []T, f func(T) U) []U {
	out := make([]U, len(list))
	for i, v := range list {
		out[i] = f(v)
	}
	return out
}
