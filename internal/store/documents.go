package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kefu/internal/desk"
)

// Documents is the knowledge base: documents, their chunks and vectors.
type Documents struct{ db *DB }

const documentColumns = `d.id, d.tenant, v.source, v.path, v.title, v.url, v.lang, v.kind, v.translation_key, d.hash, v.local_only, v.flag, v.validators, v.bytes, v.chunks, d.revision, d.updated_at`

// What a row of documents points to. A document that is served now has no end:
// d.until IS NULL.
const (
	withVersion = `JOIN versions v ON v.tenant = d.tenant AND v.document_id = d.id AND v.hash = d.hash`
	withChunks  = `JOIN chunks c ON c.tenant = d.tenant AND c.document_id = d.id AND c.hash = d.hash`
)

// chunkColumns are read by scanChunk, and go with both joins.
const chunkColumns = `c.id, c.document_id, c.ordinal, c.heading, c.question, c.url, c.text, c.lang, c.tokens, v.local_only, c.flag`

// List returns the tenant's documents by source and path.
func (d *Documents) List(ctx context.Context, tenant desk.TenantID) ([]desk.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx,
		`SELECT `+documentColumns+` FROM documents d `+withVersion+` WHERE d.until IS NULL AND d.tenant = $1 ORDER BY v.source, v.path, d.id`, tenant)
	docs, err := collect(rows, err, func(r *sql.Rows) (desk.Document, error) { return scanDocument(r) })
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", d.db.engine.explain(err))
	}
	return docs, nil
}

// Page returns at most n of the tenant's documents in the order of List, those
// that come after a document; the zero Document is before all.
func (d *Documents) Page(ctx context.Context, tenant desk.TenantID, after desk.Document, n int) ([]desk.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx, `SELECT `+documentColumns+` FROM documents d `+withVersion+`
		WHERE d.until IS NULL AND d.tenant = $1 AND (v.source, v.path, d.id) > ($2, $3, $4) ORDER BY v.source, v.path, d.id LIMIT $5`,
		tenant, after.Source, after.Path, after.ID, n)
	docs, err := collect(rows, err, func(r *sql.Rows) (desk.Document, error) { return scanDocument(r) })
	if err != nil {
		return nil, fmt.Errorf("page documents: %w", d.db.engine.explain(err))
	}
	return docs, nil
}

// Get returns a document and its chunks in their order. The error is a
// *desk.Error of kind NotFound, code document_not_found, when the tenant has
// no such document.
func (d *Documents) Get(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Document, []desk.Chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var doc desk.Document
	var chunks []desk.Chunk
	err := d.db.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if doc, err = scanDocument(tx.QueryRowContext(ctx, selectDocument, tenant, id)); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx,
			`SELECT `+chunkColumns+` FROM documents d `+withVersion+` `+withChunks+` WHERE d.until IS NULL AND d.tenant = $1 AND d.id = $2 ORDER BY c.ordinal`, tenant, id)
		chunks, err = collect(rows, err, scanChunk)
		return err
	})
	if err != nil {
		return desk.Document{}, nil, noDocument(err)
	}
	return doc, chunks, nil
}

// Find is Get without the chunks.
func (d *Documents) Find(ctx context.Context, tenant desk.TenantID, id desk.DocumentID) (desk.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	doc, err := scanDocument(d.db.read.QueryRowContext(ctx, selectDocument, tenant, id))
	if err != nil {
		return desk.Document{}, noDocument(d.db.engine.explain(err))
	}
	return doc, nil
}

const selectDocument = `SELECT ` + documentColumns + ` FROM documents d ` + withVersion + ` WHERE d.until IS NULL AND d.tenant = $1 AND d.id = $2`

// noDocument says why there is none.
func noDocument(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = &desk.Error{
			Kind: desk.NotFound, Code: "document_not_found", Field: "id",
			Public: "There is no such document.", Err: err,
		}
	}
	return fmt.Errorf("get document: %w", err)
}

// Stale returns the tenant's chunks that have no vector of that embedding
// model, in the order of their documents.
func (d *Documents) Stale(ctx context.Context, tenant desk.TenantID, model string) ([]desk.Chunk, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	rows, err := d.db.read.QueryContext(ctx, `SELECT `+chunkColumns+` FROM documents d `+withVersion+` `+withChunks+`
		LEFT JOIN vectors e ON e.tenant = c.tenant AND e.key = c.vector_key AND e.model = $2
		WHERE d.until IS NULL AND d.tenant = $1 AND e.key IS NULL ORDER BY c.document_id, c.ordinal`, tenant, model)
	chunks, err := collect(rows, err, scanChunk)
	if err != nil {
		return nil, fmt.Errorf("find stale chunks: %w", d.db.engine.explain(err))
	}
	return chunks, nil
}

// Status counts what a tenant's knowledge base holds.
type Status struct {
	Revision  desk.Revision // newest of the whole database
	UpdatedAt time.Time     // last publish of the tenant; zero without one
	Documents int
	Flagged   int // documents that the guard suspects
	Chunks    int
	Bytes     int64                     // of the originals
	Kinds     map[desk.DocumentKind]int // documents by kind
	Langs     map[desk.Lang]int         // documents by language
	Models    map[string]int            // chunks that have a vector, by embedding model
}

// Status describes the tenant's knowledge base.
func (d *Documents) Status(ctx context.Context, tenant desk.TenantID) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s := Status{Kinds: make(map[desk.DocumentKind]int), Langs: make(map[desk.Lang]int)}
	err := d.db.snapshot(ctx, func(tx *sql.Tx) (err error) {
		if s.Revision, err = revision(ctx, tx); err != nil {
			return err
		}
		if s.Models, err = countModels(ctx, tx, tenant); err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT v.kind, v.lang, COUNT(*), SUM(CASE WHEN v.flag = '' THEN 0 ELSE 1 END), SUM(v.chunks), SUM(v.bytes), MAX(d.updated_at)
			FROM documents d `+withVersion+` WHERE d.until IS NULL AND d.tenant = $1 GROUP BY v.kind, v.lang`, tenant)
		_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var kind desk.DocumentKind
			var lang desk.Lang
			var documents, flagged, chunks int
			var bytes, updated int64
			if err := r.Scan(&kind, &lang, &documents, &flagged, &chunks, &bytes, &updated); err != nil {
				return none, err
			}
			s.Documents += documents
			s.Flagged += flagged
			s.Chunks += chunks
			s.Bytes += bytes
			s.Kinds[kind] += documents
			s.Langs[lang] += documents
			if at := fromMillis(updated); at.After(s.UpdatedAt) {
				s.UpdatedAt = at
			}
			return none, nil
		})
		return err
	})
	if err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}
	return s, nil
}

func countModels(ctx context.Context, tx *sql.Tx, tenant desk.TenantID) (map[string]int, error) {
	models := make(map[string]int)
	rows, err := tx.QueryContext(ctx, `SELECT v.model, COUNT(*) FROM documents d `+withChunks+`
		JOIN vectors v ON v.tenant = c.tenant AND v.key = c.vector_key WHERE d.until IS NULL AND d.tenant = $1 GROUP BY v.model`, tenant)
	_, err = collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var model string
		var chunks int
		err = r.Scan(&model, &chunks)
		models[model] = chunks
		return none, err
	})
	return models, err
}

type scanner interface{ Scan(dest ...any) error }

func scanDocument(row scanner) (desk.Document, error) {
	var doc desk.Document
	var updated int64
	err := row.Scan(&doc.ID, &doc.Tenant, &doc.Source, &doc.Path, &doc.Title, &doc.URL, &doc.Lang, &doc.Kind, &doc.TranslationKey,
		&doc.Hash, &doc.LocalOnly, &doc.Flag, &doc.Validators, &doc.Bytes, &doc.Chunks, &doc.Revision, &updated)
	doc.UpdatedAt = fromMillis(updated)
	return doc, err
}

func scanChunk(r *sql.Rows) (desk.Chunk, error) {
	var c desk.Chunk
	err := r.Scan(&c.ID, &c.Document, &c.Ordinal, &c.Heading, &c.Question, &c.URL, &c.Text, &c.Lang, &c.Tokens, &c.LocalOnly, &c.Flag)
	return c, err
}
