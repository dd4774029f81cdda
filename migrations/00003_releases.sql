-- +goose Up

-- What a document said at some time. A version is written once, with all of
-- its chunks, and seen by nobody until a publish points to it.
CREATE TABLE versions (
    tenant      TEXT   NOT NULL,
    document_id TEXT   NOT NULL,
    hash        TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    title       TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    lang        TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    bytes       BIGINT NOT NULL,
    chunks      BIGINT NOT NULL,
    staged_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, document_id, hash)
);

INSERT INTO versions SELECT tenant, id, hash, source, path, title, url, lang, kind, bytes, chunks, updated_at FROM documents;

-- vector_key names the vectors of what the chunk says: chunks that say the
-- same share them, whatever document and version they stand in. Chunks from
-- before this migration have their own id there.
CREATE TABLE new_chunks (
    tenant      TEXT   NOT NULL,
    document_id TEXT   NOT NULL,
    hash        TEXT   NOT NULL,
    ordinal     BIGINT NOT NULL,
    id          TEXT   NOT NULL,
    heading     TEXT   NOT NULL,
    question    TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    lang        TEXT   NOT NULL,
    tokens      BIGINT NOT NULL,
    vector_key  TEXT   NOT NULL,
    PRIMARY KEY (tenant, document_id, hash, ordinal),
    FOREIGN KEY (tenant, document_id, hash) REFERENCES versions (tenant, document_id, hash) ON DELETE CASCADE
);

INSERT INTO new_chunks SELECT c.tenant, c.document_id, d.hash, c.ordinal, c.id, c.heading, c.question, c.url, c.text, c.lang, c.tokens, c.id
    FROM chunks c JOIN documents d ON d.tenant = c.tenant AND d.id = c.document_id;

CREATE TABLE vectors (
    tenant TEXT   NOT NULL,
    key    TEXT   NOT NULL,
    model  TEXT   NOT NULL,
    dim    BIGINT NOT NULL,
    vector BYTEA  NOT NULL,
    PRIMARY KEY (tenant, key, model)
);

INSERT INTO vectors SELECT tenant, chunk_id, model, dim, vector FROM chunk_vectors;

-- Which version a document was from one revision until another; until is null
-- for what is served now.
CREATE TABLE new_documents (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    revision   BIGINT NOT NULL,
    until      BIGINT,
    hash       TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id, revision),
    FOREIGN KEY (tenant, id, hash) REFERENCES versions (tenant, document_id, hash)
);

INSERT INTO new_documents SELECT tenant, id, revision, NULL, hash, updated_at FROM documents;

DROP TABLE chunk_vectors;
DROP TABLE chunks;
DROP TABLE documents;
ALTER TABLE new_chunks RENAME TO chunks;
ALTER TABLE new_documents RENAME TO documents;

CREATE INDEX chunks_by_vector ON chunks (tenant, vector_key);
CREATE UNIQUE INDEX documents_now ON documents (tenant, id) WHERE until IS NULL;
CREATE INDEX documents_by_end ON documents (tenant, until);

-- One row for each publish that can be returned to.
CREATE TABLE releases (
    tenant   TEXT   NOT NULL,
    rev      BIGINT NOT NULL,
    kind     TEXT   NOT NULL,
    source   TEXT   NOT NULL,
    author   TEXT   NOT NULL,
    restored BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    added    BIGINT NOT NULL,
    updated  BIGINT NOT NULL,
    removed  BIGINT NOT NULL,
    PRIMARY KEY (tenant, rev)
);

INSERT INTO releases SELECT tenant, MAX(revision), 'load', '', '', 0, MAX(updated_at), COUNT(*), 0, 0 FROM documents GROUP BY tenant;

-- Files that are on their way into the knowledge base, or did not make it.
CREATE TABLE intake (
    tenant      TEXT   NOT NULL,
    source      TEXT   NOT NULL,
    path        TEXT   NOT NULL,
    document_id TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    code        TEXT   NOT NULL,
    reason      TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    PRIMARY KEY (tenant, source, path)
);

-- +goose Down

DROP TABLE intake;
DROP TABLE releases;

CREATE TABLE old_documents (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    path       TEXT   NOT NULL,
    title      TEXT   NOT NULL,
    url        TEXT   NOT NULL,
    lang       TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    bytes      BIGINT NOT NULL,
    chunks     BIGINT NOT NULL,
    revision   BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

INSERT INTO old_documents
    SELECT v.tenant, v.document_id, v.source, v.path, v.title, v.url, v.lang, v.kind, v.hash, v.bytes, v.chunks, d.revision, d.updated_at
    FROM documents d JOIN versions v ON v.tenant = d.tenant AND v.document_id = d.id AND v.hash = d.hash
    WHERE d.until IS NULL;

CREATE TABLE old_chunks (
    tenant      TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    document_id TEXT   NOT NULL,
    ordinal     BIGINT NOT NULL,
    heading     TEXT   NOT NULL,
    question    TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    lang        TEXT   NOT NULL,
    tokens      BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, document_id) REFERENCES old_documents (tenant, id) ON DELETE CASCADE
);

INSERT INTO old_chunks SELECT c.tenant, c.id, c.document_id, c.ordinal, c.heading, c.question, c.url, c.text, c.lang, c.tokens
    FROM chunks c JOIN old_documents d ON d.tenant = c.tenant AND d.id = c.document_id AND d.hash = c.hash;

CREATE TABLE chunk_vectors (
    tenant   TEXT   NOT NULL,
    chunk_id TEXT   NOT NULL,
    model    TEXT   NOT NULL,
    dim      BIGINT NOT NULL,
    vector   BYTEA  NOT NULL,
    PRIMARY KEY (tenant, chunk_id, model),
    FOREIGN KEY (tenant, chunk_id) REFERENCES old_chunks (tenant, id) ON DELETE CASCADE
);

INSERT INTO chunk_vectors SELECT c.tenant, c.id, v.model, v.dim, v.vector
    FROM chunks c JOIN old_documents d ON d.tenant = c.tenant AND d.id = c.document_id AND d.hash = c.hash
    JOIN vectors v ON v.tenant = c.tenant AND v.key = c.vector_key;

DROP TABLE vectors;
DROP TABLE chunks;
DROP TABLE documents;
DROP TABLE versions;
ALTER TABLE old_documents RENAME TO documents;
ALTER TABLE old_chunks RENAME TO chunks;
CREATE UNIQUE INDEX chunks_by_document ON chunks (tenant, document_id, ordinal);
