package ingest

import "time"

// Observer is told what becomes of documents. Its methods return at once.
type Observer interface {
	// Ingested is told of documents with one Outcome.
	Ingested(outcome string, documents int)
	// IngestTook is told how long a stage took.
	IngestTook(stage string, took time.Duration)
}

// The stages of a load, a closed set for metrics.
const (
	stageRead    = "read"    // a file or page
	stageExtract = "extract" // its text, and cut that into chunks
	stageEmbed   = "embed"   // a batch of chunks, with its retries
	stageStore   = "store"   // a group of documents
	stagePublish = "publish" // a release
)

// unobserved is the Observer of a loader that has none.
type unobserved struct{}

func (unobserved) Ingested(string, int)             {}
func (unobserved) IngestTook(string, time.Duration) {}

// took tells how long a stage took that ends now.
func (l *Loader) took(stage string, since time.Time) {
	l.cfg.Observer.IngestTook(stage, time.Since(since))
}

// ingested tells of documents with one outcome, if there are any.
func (l *Loader) ingested(o Outcome, documents int) {
	if documents > 0 {
		l.cfg.Observer.Ingested(string(o), documents)
	}
}
