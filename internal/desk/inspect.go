package desk

// Inspection is what a search finds for a question, and why.
type Inspection struct {
	Question Masked
	Lang     Lang
	Route    Route    // what the router decides for it
	Revision Revision // of the tenant's knowledge base
	// Answerable is how far what was found speaks for an answer, in [0,1]; 0 where
	// that is not asked.
	Answerable float64
	ByWords    bool  // the embedder or the index of vectors did not answer: words alone were compared
	Hits       []Hit // best first
}

// Hit is a passage that was found, and what becomes of it.
type Hit struct {
	Passage
	Terms []string // of the question, or synonyms, that it holds
	Cut   Cut
	// Of is the passage that this one repeats, if it is cut for that.
	Of ChunkID
}

// Cut is why a passage that was found does not enter the prompt, a closed set.
type Cut string

const (
	Kept          Cut = ""
	CutEnough     Cut = "enough_passages"      // as many better ones as a prompt takes
	CutRepeats    Cut = "repeats_another"      // which has a place and says the same
	CutIrrelevant Cut = "below_half_of_best"   // and the least number is reached
	CutAbstained  Cut = "too_little_to_answer" // all passages together: no model is asked
	CutTokens     Cut = "beyond_token_budget"  // of the prompt
)

// Upload is a document that somebody hands in.
type Upload struct {
	// ID is that of the document to replace; empty: by source and path.
	ID     DocumentID
	Source string
	Path   string // slash-separated, local
	Name   string // its ending tells the format where the content does not; empty: as Path
	Data   []byte
}
