package ingest

import (
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Request names what to load.
type Request struct {
	// Paths are files and folders. Folders are read recursively, hidden files
	// and folders, and Word's ~$ files, are left out and symbolic links that lead
	// out of the folder are refused. A path that begins with https:// is a page, one that also
	// ends in .xml a sitemap: all its pages on the same host, and those of the
	// sitemaps that it lists. A page goes by its address.
	Paths []string
	// Root is the folder that document paths are relative to; default: the
	// working directory. A file outside of it goes by its absolute path.
	Root string
	// Source names the load; default "files". The same path under the same
	// source is the same document, whenever and from wherever it is loaded.
	Source string
	// Exact makes the source equal to the files: its other documents are
	// removed, unless their files are there and cannot be read.
	Exact bool
	// Again is within what time the next exact load is promised, for those who
	// watch that it comes; 0: it is not.
	Again time.Duration
	// AllowEmpty lets an exact load take away the last document of the source.
	AllowEmpty bool
	// MaxPages bounds the pages that are read of sitemaps; default
	// DefaultMaxPages.
	MaxPages int
	// Patience bounds what is waited for the vectors of one batch, all attempts
	// included: after that the embedder counts as unreachable. Default: as long as
	// the attempts take.
	Patience time.Duration
	// Author is who asked for it, for the list of releases.
	Author string
	// DryRun reports what would change and neither embeds nor publishes.
	DryRun bool
	// Preview is told, in a dry run, of each document as it was cut, in the
	// order of the request, one at a time, and then of each that would be
	// removed, without its chunks. It may be nil.
	Preview func(desk.Prepared, Outcome)

	lease string // under which the source is loaded
}

// DefaultSource is the source of a request that names none.
const DefaultSource = "files"

// Progress is one step of a load: a file was dealt with.
type Progress struct {
	Done, Total int    // files
	Path        string // of the file
	Outcome     Outcome
	Chunks      int // published so far, or embedded again
	Elapsed     time.Duration
}

// Rate is the number of files a second so far.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Done) / p.Elapsed.Seconds()
}

// ChunkRate is the number of chunks a second so far.
func (p Progress) ChunkRate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Chunks) / p.Elapsed.Seconds()
}

// Remaining estimates the time left from the rate so far; zero when unknown.
func (p Progress) Remaining() time.Duration {
	if p.Done == 0 {
		return 0
	}
	return p.Elapsed / time.Duration(p.Done) * time.Duration(p.Total-p.Done)
}

// Outcome is what became of one file.
type Outcome string

const (
	Added     Outcome = "added"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged" // same content hash: neither embedded nor published
	Failed    Outcome = "failed"
	Removed   Outcome = "removed" // by an exact load
)

// Report is the result of a load.
type Report struct {
	Added, Updated, Unchanged, Removed int // documents
	Chunks                             int // of the added and updated documents
	Embedded                           int // chunks whose vector was not known
	// Unembedded counts the published chunks that have no vector, because the
	// embedder could not be reached. They are found by their words; Reembed
	// completes them.
	Unembedded int
	// Flagged are the added and updated documents in which the guard suspects a
	// text that speaks to the assistant, by path.
	Flagged []FlaggedFile
	Failed  []FileError // in the order of the request, then of the paths
	// Revision is that of the release, zero when nothing was published: then
	// the counts tell what would have been.
	Revision desk.Revision
	Elapsed  time.Duration
}

// FlaggedFile is a file that was loaded and is suspect.
type FlaggedFile struct {
	Path string
	// Rule is the guard's, and Chunks how many of them it suspects.
	Rule   string
	Chunks int
}

// ErrorCode tells why a file was not loaded: a closed set.
type ErrorCode string

const (
	CodeNotFound     ErrorCode = "file_not_found"
	CodeUnreadable   ErrorCode = "file_unreadable"
	CodeNotAFile     ErrorCode = "file_not_regular" // a device, pipe or socket
	CodeOutside      ErrorCode = "file_outside"     // a symbolic link out of the folder
	CodeTooLarge     ErrorCode = "file_too_large"
	CodeUnsupported  ErrorCode = "file_unsupported"
	CodeNotText      ErrorCode = "file_not_text"
	CodeEncoding     ErrorCode = "file_encoding_unknown"
	CodeEmpty        ErrorCode = "file_empty"
	CodeMalformed    ErrorCode = "file_malformed"     // broken CSV, JSONL or front matter
	CodeDuplicate    ErrorCode = "file_duplicate"     // the same id as another file
	CodeIntricate    ErrorCode = "file_too_intricate" // markup beyond what a page has
	CodeTimedOut     ErrorCode = "file_timed_out"     // reading it took too long
	CodeCrashed      ErrorCode = "file_crashed"       // reading it ended the process that reads
	CodeNoReader     ErrorCode = "reader_missing"     // the process that reads does not start
	CodePageRefused  ErrorCode = "page_refused"       // an address that may not be read, or leads to one
	CodePageFailed   ErrorCode = "page_failed"        // no connection, or an error's status
	CodeSitemap      ErrorCode = "sitemap_incomplete" // not all that it lists is read
	CodePDFBroken    ErrorCode = "pdf_broken"
	CodePDFEncrypted ErrorCode = "pdf_encrypted"
	CodePDFTooLarge  ErrorCode = "pdf_too_large"      // pages or text
	CodePDFNoText    ErrorCode = "pdf_no_text"        // scanned
	CodePDFEngine    ErrorCode = "pdf_engine_missing" // PDFium does not start
	CodeDocxBroken   ErrorCode = "docx_broken"
	CodeDocxBomb     ErrorCode = "docx_bomb"              // unpacks to more than is allowed
	CodeEmbedding    ErrorCode = "file_embedding_refused" // the embedder refuses this text
)

// FileError says why one file was not loaded.
type FileError struct {
	Path string
	Code ErrorCode
	// Line is where the file is broken, 1-based; zero when it is not one line.
	Line   int
	Reason string // for the operator; a sentence without the path
}

func (e *FileError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Reason)
	}
	return fmt.Sprintf("%s: %s", e.Path, e.Reason)
}

// reject is a FileError whose path the caller fills in.
func reject(code ErrorCode, line int, format string, args ...any) *FileError {
	return &FileError{Code: code, Line: line, Reason: fmt.Sprintf(format, args...)}
}
