package desk

import (
	"strings"
	"time"
)

// DocumentKind tells how a document's chunks may be used.
type DocumentKind string

const (
	Page DocumentKind = "page" // prose: its chunks are passages
	FAQ  DocumentKind = "faq"  // question–answer pairs: its chunks are curated answers too
)

// Document is one unit that an operator loads, replaces or removes as a whole.
type Document struct {
	ID     DocumentID
	Tenant TenantID
	// Source names what the document was loaded from, and Path its place there
	// (slash-separated, relative to the source's root).
	Source string
	Path   string
	Title  string
	URL    string // where a customer may read it; may be empty
	Lang   Lang
	Kind   DocumentKind
	// TranslationKey is the same for a document and its translations; empty: they
	// are known by their paths.
	TranslationKey string
	// LocalOnly keeps the document from every third party: only private models may
	// be shown it.
	LocalOnly bool
	// Flag is the first Flag of its chunks; empty: no chunk has one.
	Flag string
	// Validators are the marks of a page (ETag and the like) by which its server tells
	// whether it has changed. They are for package ingest alone and may be empty.
	Validators string
	Hash       string // hex SHA-256 of the extracted content and its metadata
	Bytes      int64  // size of the original
	Chunks     int
	// Revision is the publish that made this version visible.
	Revision  Revision
	UpdatedAt time.Time
}

// Chunk is a piece of one document, small enough to quote from.
type Chunk struct {
	ID       ChunkID
	Document DocumentID
	Ordinal  int    // 0-based position within the document
	Heading  string // heading path, outermost first, joined by HeadingSeparator
	// Question is set for a question–answer pair; Text is then the answer.
	Question string
	// URL is where this chunk alone may be read; empty: at the document's URL.
	URL    string
	Text   string // verbatim from the extracted document: quotes are found in it
	Lang   Lang
	Tokens int // o200k tokens of Text
	// LocalOnly is that of the document.
	LocalOnly bool
	// Flag is the rule by which the guard suspects that the chunk addresses the
	// model instead of its readers; empty: it does not.
	Flag string
}

// HeadingSeparator stands between the headings of a chunk's path.
const HeadingSeparator = " › "

// NearestHeading is the last heading of the chunk's path.
func (c Chunk) NearestHeading() string {
	if i := strings.LastIndex(c.Heading, HeadingSeparator); i >= 0 {
		return c.Heading[i+len(HeadingSeparator):]
	}
	return c.Heading
}

// Opens tells whether the chunk stands above the section of the other one: in the
// same document, before it, and under the heading that the section belongs to.
func (c Chunk) Opens(other Chunk) bool {
	return c.Document == other.Document && c.Ordinal < other.Ordinal && strings.HasPrefix(other.Heading, c.Heading+HeadingSeparator)
}

// Passage is a chunk together with the document it stands in and, once
// retrieved, its scores.
type Passage struct {
	Chunk
	Title    string
	URL      string // of the chunk, else of the document
	Kind     DocumentKind
	Hash     string   // of the document
	Revision Revision // of the document
	Origin   string   // source and path of the document, by which its translations are known
	// TranslationKey is that of the document; if it is set, translations are known
	// by it instead of Origin.
	TranslationKey string
	// Excerpt is the part of Text that a model is shown; empty: all of it.
	Excerpt string

	// Score ranks the passages of one search, in [0,1].
	Score float64
	// Vector is the cosine similarity to the question, in [-1,1], Lexical the BM25
	// score, at least 0, and Fused both as one score, in [0,1].
	Vector, Lexical, Fused float64
	// The best passages by Fused are ranked by four more shares, in [0,1]. Coverage
	// is the share of the question's distinct content terms that the passage holds,
	// title and headings included; rarer terms weigh more. Sentence is how alike the
	// question and the nearest sentence are. Pairs is the share of the question's
	// pairs of neighbouring words that are neighbours in the passage too. Page is
	// Fused of the best other passage of the same page.
	Coverage, Sentence, Pairs, Page float64
	// Translation tells that the passage was not found itself, but as the
	// translation of one that was: all scores but Score are 0.
	Translation bool
	// Borrowed tells that Score is that of a page in another language, of which the
	// passage is a translation, whether it was found itself or not.
	Borrowed bool
}

// Basis is what a cached answer rests on. The answer is valid while every
// cited document has the hash recorded here and nothing published since
// Revision ranks as high as the weakest source. Without Sources the answer
// rests on absence and is valid at Revision only.
type Basis struct {
	Revision Revision      `json:"r"`
	Sources  []BasisSource `json:"s,omitempty"`
}

// BasisSource is one cited chunk and the state of its document.
type BasisSource struct {
	Document DocumentID `json:"d"`
	Chunk    ChunkID    `json:"c"`
	Hash     string     `json:"h"`
}
