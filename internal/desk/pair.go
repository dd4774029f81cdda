package desk

import "time"

// Pair is a question with the answer that somebody wrote to it. It is a
// document of its own.
type Pair struct {
	Document  DocumentID
	Path      string // of the document in its source
	Question  string
	Answer    string
	URL       string // page to send customers to; may be empty
	Lang      Lang   // empty when it is written: as it reads
	Flag      string // rule by which the guard suspects it; empty: none
	Revision  Revision
	UpdatedAt time.Time
}

// PairQuery chooses pairs of one source, those changed last first. Empty fields
// choose all.
type PairQuery struct {
	Source   string
	Document DocumentID
	Path     string
	Question string // word for word
	// Before and BeforeID are those of the last pair that was seen; zero: begin
	// with the latest.
	Before   time.Time
	BeforeID DocumentID
}
