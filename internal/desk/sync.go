package desk

import "time"

// SourceKind is where the documents of a source come from, a closed set.
type SourceKind string

// The kinds of sources that can be synced.
const (
	FromFiles SourceKind = "files"
	FromWeb   SourceKind = "web" // pages, a part of them at least
)

// Sync is when a source was last made equal to what it comes from, and nothing
// failed.
type Sync struct {
	Tenant TenantID
	Source string
	Kind   SourceKind
	At     time.Time
	Due    time.Time // by when it was promised to be again; zero: it was not
}
