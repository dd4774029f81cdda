// Package ingest brings documents in: it reads files, extracts their text,
// cuts it into chunks, embeds them and publishes each document as a whole.
package ingest

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"kefu/internal/desk"
	"kefu/internal/ingest/child"
	"kefu/internal/llm"
)

// Documents is where documents are published, and where their way there is
// kept.
type Documents interface {
	// List returns the documents that are published.
	List(ctx context.Context, tenant desk.TenantID) ([]desk.Document, error)
	// Embedded tells for each chunk whether a vector of what it says is known.
	Embedded(ctx context.Context, tenant desk.TenantID, model string, chunks []desk.Chunk) ([]bool, error)
	// Stage keeps documents, each as a whole, for a later Publish.
	Stage(ctx context.Context, tenant desk.TenantID, put []desk.Prepared) error
	// Publish makes a change visible, in one transaction.
	Publish(ctx context.Context, tenant desk.TenantID, change desk.Change) (desk.Release, error)
	// Collect forgets releases but the last keep.
	Collect(ctx context.Context, tenant desk.TenantID, keep int) error
	// Stale returns the published chunks that have no vector of model.
	Stale(ctx context.Context, tenant desk.TenantID, model string) ([]desk.Chunk, error)
	// PutVectors stores vectors[i] as the vector of chunks[i] under model.
	PutVectors(ctx context.Context, tenant desk.TenantID, model string, chunks []desk.Chunk, vectors [][]float32) error
	// Expect queues the files of a source; what was noted of it is forgotten.
	Expect(ctx context.Context, tenant desk.TenantID, source string, paths []string) error
	// Note records how far files have come.
	Note(ctx context.Context, tenant desk.TenantID, files []desk.Intake) error
	// Settle forgets the files of a source that have not failed.
	Settle(ctx context.Context, tenant desk.TenantID, source string) error
	// Occupy gives a source to the lease for ttl and returns who has it: that
	// lease, or another that has not ended.
	Occupy(ctx context.Context, tenant desk.TenantID, source string, l desk.SourceLease, ttl time.Duration) (desk.SourceLease, error)
	// Keep prolongs a lease. It fails once somebody else has the source.
	Keep(ctx context.Context, tenant desk.TenantID, source, lease string, ttl time.Duration) error
	// Vacate ends a lease.
	Vacate(ctx context.Context, tenant desk.TenantID, source, lease string) error
	// Synced records that an exact load of a source ended without a failure, and
	// that the next one is promised within that time; 0: it is not.
	Synced(ctx context.Context, tenant desk.TenantID, source string, kind desk.SourceKind, again time.Duration) error
	// Forget drops what was noted of files.
	Forget(ctx context.Context, tenant desk.TenantID, files []desk.Intake) error
}

// Guard judges what documents say.
type Guard interface {
	// Document judges a passage; one that is not allowed is flagged with the
	// rule of the verdict.
	Document(text string) desk.Verdict
}

// Topics recognises texts that are for private models alone.
type Topics interface {
	// Of names the topic of the texts.
	Of(texts ...string) (topic string, ok bool)
}

// DefaultMaxFileBytes bounds a file or page.
const DefaultMaxFileBytes = 20 << 20

// Config says how documents are cut and embedded. The zero value of a field
// means its default.
type Config struct {
	// TargetTokens is the size that chunks are filled to: 50 to MaxTokens,
	// default 300. Smaller chunks quote more sharply, larger ones keep more of
	// their surroundings.
	TargetTokens int
	// MaxTokens bounds a chunk: at least 50, default 450.
	MaxTokens int
	// OverlapTokens bounds what a chunk repeats of the one before it in the
	// same section, in whole sentences: below half of TargetTokens, default
	// 50; negative for none.
	OverlapTokens int
	// BatchChunks is the number of texts in one embedding call: 1 to 2,048,
	// default 64. Documents are published together until they fill a batch.
	BatchChunks int
	// Concurrency is the number of batches embedded at the same time: 1 to 64,
	// default 4.
	Concurrency int
	// MaxFileBytes bounds a file or page: at least 1, default
	// DefaultMaxFileBytes.
	MaxFileBytes int64
	// Web reads pages; it decides which addresses may be reached and how long a
	// page may take. Nil: none is read. UserAgent is how it names itself.
	Web       *http.Client
	UserAgent string
	// CacheDir is where the compiled PDF engine is kept, about 21 MB. Empty:
	// every process that meets a PDF compiles it, for 3 to 7 s.
	CacheDir string
	// ExtractTimeout bounds the reading of one PDF or Word document, and of any
	// document in a process of its own, where processor time counts (on Linux; the
	// clock elsewhere); default 2 min: PDFs are read at 40 to 60 pages a second and
	// have up to 2,000.
	ExtractTimeout time.Duration
	// Reader makes the command line of a process that calls Serve of a loader
	// with the same settings: documents, which anybody may have made, are read
	// there, with what answers leave of the processors. Nil: in this process.
	Reader func() (*exec.Cmd, error)
	// EmbedTimeout bounds one embedding call, default 30 s; EmbedAttempts is
	// how often a batch is tried before the embedder counts as unreachable: 1
	// to 10, default 3.
	EmbedTimeout  time.Duration
	EmbedAttempts int
	// Releases is how many releases can be returned to, the newest included: 1
	// to 1,000, default 20.
	Releases int
	// Guard looks through what is loaded for texts that speak to the assistant
	// instead of their readers: they are flagged. Nil: nothing is.
	Guard Guard
	// LocalOnly are globs of the names of files and folders, or of several in a
	// row (legal, hr/*.docx), whose documents are marked LocalOnly, wherever they
	// lie. Letter case does not count.
	LocalOnly []string
	// Topics marks documents LocalOnly by what they are about; nil: none.
	Topics Topics
	// Private says that the embedder shows nothing to a third party. With another
	// one, documents that are LocalOnly get no vectors.
	Private bool
	// Observer is told what becomes of documents; nil: nobody is.
	Observer Observer
}

func (c Config) withDefaults() Config {
	c.TargetTokens = or(c.TargetTokens, 300)
	c.MaxTokens = or(c.MaxTokens, 450)
	c.OverlapTokens = or(c.OverlapTokens, 50)
	c.BatchChunks = or(c.BatchChunks, 64)
	c.Concurrency = or(c.Concurrency, 4)
	c.MaxFileBytes = or(c.MaxFileBytes, DefaultMaxFileBytes)
	c.ExtractTimeout = or(c.ExtractTimeout, 2*time.Minute)
	c.EmbedTimeout = or(c.EmbedTimeout, llm.DefaultAttemptTimeout)
	c.EmbedAttempts = or(c.EmbedAttempts, 3)
	c.Releases = or(c.Releases, 20)
	c.Observer = or[Observer](c.Observer, unobserved{})
	return c
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Validate reports the first field out of its range.
func (c Config) Validate() error {
	c = c.withDefaults()
	switch {
	case c.MaxTokens < 50:
		return fmt.Errorf("max tokens of a chunk: %d is below 50", c.MaxTokens)
	case c.TargetTokens < 50 || c.TargetTokens > c.MaxTokens:
		return fmt.Errorf("target tokens of a chunk: %d is not within 50 and %d", c.TargetTokens, c.MaxTokens)
	case c.OverlapTokens >= c.TargetTokens/2:
		return fmt.Errorf("overlap tokens: %d is not below half of the target, %d", c.OverlapTokens, c.TargetTokens)
	case c.BatchChunks < 1 || c.BatchChunks > 2048:
		return fmt.Errorf("chunks in a batch: %d is not within 1 and 2048", c.BatchChunks)
	case c.Concurrency < 1 || c.Concurrency > 64:
		return fmt.Errorf("concurrency: %d is not within 1 and 64", c.Concurrency)
	case c.MaxFileBytes < 1:
		return fmt.Errorf("max file bytes: %d is below 1", c.MaxFileBytes)
	case c.ExtractTimeout < 0:
		return fmt.Errorf("extract timeout: %v is negative", c.ExtractTimeout)
	case c.EmbedTimeout < 0:
		return fmt.Errorf("embed timeout: %v is negative", c.EmbedTimeout)
	case c.EmbedAttempts < 1 || c.EmbedAttempts > 10:
		return fmt.Errorf("embed attempts: %d is not within 1 and 10", c.EmbedAttempts)
	case c.Releases < 1 || c.Releases > 1000:
		return fmt.Errorf("kept releases: %d is not within 1 and 1000", c.Releases)
	}
	return nil
}

// Loader loads documents. It is safe for concurrent use; two loads of the same
// files at the same time are idempotent.
type Loader struct {
	docs      Documents
	embedder  llm.Embedder
	ledger    llm.Ledger
	cfg       Config
	extractor *extractor
	children  *child.Pool // nil: documents are read in this process
	short     int         // up to how many bytes a text is, all the same
	web       web
	chunker   chunker
}

// New returns a loader that publishes to docs. Every call to the embedder is
// recorded in ledger. cfg must be valid.
func New(docs Documents, embedder llm.Embedder, ledger llm.Ledger, cfg Config) *Loader {
	cfg = cfg.withDefaults()
	l := &Loader{
		docs: docs, embedder: embedder, ledger: ledger, cfg: cfg, extractor: newExtractor(cfg.ExtractTimeout, cfg.CacheDir),
		web:     web{client: cfg.Web, agent: cfg.UserAgent, free: make(slots, fetchers), robots: robots{rules: map[string]*rules{}}},
		chunker: chunker{target: cfg.TargetTokens, most: cfg.MaxTokens, overlap: cfg.OverlapTokens, count: countTokens},
	}
	if cfg.Reader != nil {
		l.short = shortText
		l.children = child.New(max(2, runtime.GOMAXPROCS(0)/2), cfg.Reader) // two: a slow document leaves a way past it
	}
	return l
}

// Close ends the PDF engine and the processes that read, if any was started, and
// idle connections. No load may be under way.
func (l *Loader) Close() error {
	if l.children != nil {
		l.children.Close()
	}
	if l.cfg.Web != nil {
		l.cfg.Web.CloseIdleConnections()
	}
	return l.extractor.pdf.Close()
}
