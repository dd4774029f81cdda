package desk

import "time"

// Version names what a document said at some time.
type Version struct {
	Document DocumentID
	Hash     string // of the Document
}

// Change is what one publish does to a tenant's knowledge base, and on whose
// behalf.
type Change struct {
	Kind   ReleaseKind
	Source string // of the documents; empty: of several
	Author string // who published: a key, or a user of the command line
	Put    []Version
	Remove []DocumentID
	// Lease is the one under which the change was made; empty: none is needed.
	Lease string
}

// SourceLease is the right to be the only one that loads into a source.
type SourceLease struct {
	ID     string
	Author string // who loads: a key, or a user of the command line
	Host   string // where the process runs, and its number there
	PID    int
	Since  time.Time
	// Expires is when it ends unless it is prolonged.
	Expires time.Time
}

// ReleaseKind tells how a release came about, a closed set.
type ReleaseKind string

const (
	ReleaseLoad     ReleaseKind = "load"     // files were added
	ReleaseSync     ReleaseKind = "sync"     // a source was made equal to a folder
	ReleaseEdit     ReleaseKind = "edit"     // documents were written or removed by hand
	ReleaseRollback ReleaseKind = "rollback" // the state of an earlier release
)

// Release is a state of a tenant's knowledge base that was published as one.
type Release struct {
	Revision                Revision
	Kind                    ReleaseKind
	Source, Author          string
	Restored                Revision // of a rollback: the release whose state it is
	At                      time.Time
	Added, Updated, Removed int // documents
}

// Changed counts the documents that the release changed.
func (r Release) Changed() int { return r.Added + r.Updated + r.Removed }

// Intake is a file on its way into the knowledge base, or one that did not
// make it. What was published before is served meanwhile.
type Intake struct {
	Source   string
	Path     string
	Document DocumentID // empty until the file has been read
	State    IntakeState
	// Code and Reason say why a file failed; Reason is a sentence for the
	// operator, without the path.
	Code, Reason string
	// Flag is that of the document, as far as it is known: see Document.
	Flag  string
	Since time.Time // when it came into this state
}

// IntakeState is how far a file has come, a closed set.
type IntakeState string

const (
	Queued     IntakeState = "queued"
	Extracting IntakeState = "extracting" // being read and cut into chunks
	Embedding  IntakeState = "embedding"
	Ready      IntakeState = "ready" // published, or staged for the publish that ends the sync
	Failed     IntakeState = "failed"
)
