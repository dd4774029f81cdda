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
	// Source names the load the document came with, Path where it was found
	// there (slash-separated, relative to the source's root).
	Source string
	Path   string
	Title  string
	URL    string // where a customer may read it; may be empty
	Lang   Lang
	Kind   DocumentKind
	// TranslationKey is what the document and its translations declare alike;
	// empty: their paths tell.
	TranslationKey string
	// LocalOnly keeps what the document says from every third party: only private
	// models may be shown it.
	LocalOnly bool
	// Flag is that of its first chunk that has one.
	Flag string
	// Validators are by what its server tells whether a page has changed, for
	// package ingest alone; empty: nothing.
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
	// Flag is the rule by which the guard suspects the chunk of speaking to the
	// assistant instead of its readers; empty: it does not.
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

// Opens tells whether the chunk stands above the section that the other one
// belongs to, in the same document.
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
	Origin   string   // source and path of the document; its translations are named like it
	// TranslationKey is that of the document, and tells its translations instead
	// of Origin; empty: it has none.
	TranslationKey string
	// Excerpt is what of Text a model is shown; empty: all of it.
	Excerpt string
	// Score ranks passages of one search, in [0,1]. Vector is the cosine
	// similarity in [-1,1], Lexical the BM25 score, at least 0, and Fused what
	// both make of it, in [0,1]. Of the best by that, four more shares in [0,1]
	// count: Coverage, of the question's distinct content terms that the passage
	// holds, its title and headings included, each term weighing the more the
	// rarer it is; Sentence, how alike question and best sentence are; Pairs, of
	// the pairs of words behind each other that it has so, too; Page, what vector
	// and words make of the best other passage of the same page.
	Score, Vector, Lexical, Fused, Coverage, Sentence, Pairs, Page float64
	// Translation tells that the passage was found for the page that it
	// translates: all but Score is 0.
	Translation bool
	// Borrowed tells that Score is that of a page in another language, of which
	// the passage is the translation, whether it was found itself or not.
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
