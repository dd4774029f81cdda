package main

import "context"

// crowded is how many passages searches in memory should have at most. Source:
// the README's limits, measured beside pgvector.
const crowded = 20_000

// index looks at what searches the embeddings.
func (d *doctor) index(ctx context.Context) []finding {
	if d.closed != nil {
		return nil // the database says why
	}
	found, err := d.base.db.Documents().Index(ctx, d.base.embedder.Model())
	asked := d.cfg.Retrieval.VectorIndex == "pgvector"
	passages := plural(found.Passages, "passage")
	switch {
	case err != nil && asked:
		return one("vectors", doubt, "Until it answers, passages are found by their words alone. Is the extension there, and the table vector_index?", "%s", public(err))
	case err != nil:
		return one("vectors", broken, "", "%s", public(err))
	case asked && found.Missing > 0:
		return one("vectors", doubt, "'kefu serve' copies them when it starts; let every server have retrieval.vector_index set to pgvector.",
			"pgvector %s lacks the embeddings of %d of %s", found.Pgvector, found.Missing, passages)
	case asked:
		return one("vectors", well, "", "pgvector %s, in step with the release: %s", found.Pgvector, passages)
	case found.Passages > crowded:
		return one("vectors", doubt, "Let PostgreSQL search them: KEFU_RETRIEVAL_VECTOR_INDEX=pgvector, with DATABASE_URL. Searches then take a third of the time, or less.",
			"each server searches %s in memory, and above %d that becomes slow", passages, crowded)
	default:
		return one("vectors", well, "", "each server searches %s in memory; above %d let pgvector do it", passages, crowded)
	}
}
