-- +goose Up

CREATE TABLE documents (
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

CREATE TABLE chunks (
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
    FOREIGN KEY (tenant, document_id) REFERENCES documents (tenant, id) ON DELETE CASCADE
);

CREATE UNIQUE INDEX chunks_by_document ON chunks (tenant, document_id, ordinal);

-- Apart from chunks, because vectors are wide and never read together with
-- what changes. vector holds dim little-endian 32-bit floats.
CREATE TABLE chunk_vectors (
    tenant   TEXT   NOT NULL,
    chunk_id TEXT   NOT NULL,
    model    TEXT   NOT NULL,
    dim      BIGINT NOT NULL,
    vector   BYTEA  NOT NULL,
    PRIMARY KEY (tenant, chunk_id, model),
    FOREIGN KEY (tenant, chunk_id) REFERENCES chunks (tenant, id) ON DELETE CASCADE
);

-- One row. A publish increments it first, which makes publishes take turns:
-- revisions become visible in their order and without gaps.
CREATE TABLE kb_revision (
    id  BIGINT PRIMARY KEY,
    rev BIGINT NOT NULL
);

INSERT INTO kb_revision (id, rev) VALUES (1, 0);

-- The newest change of every document that ever existed.
CREATE TABLE kb_log (
    tenant      TEXT    NOT NULL,
    document_id TEXT    NOT NULL,
    rev         BIGINT  NOT NULL,
    removed     BOOLEAN NOT NULL,
    at          BIGINT  NOT NULL,
    PRIMARY KEY (tenant, document_id)
);

CREATE INDEX kb_log_by_rev ON kb_log (rev);

-- A lease for every serving process and the newest revision that it serves.
CREATE TABLE replicas (
    id         TEXT   PRIMARY KEY,
    rev        BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- +goose Down

DROP TABLE replicas;
DROP TABLE kb_log;
DROP TABLE kb_revision;
DROP TABLE chunk_vectors;
DROP TABLE chunks;
DROP TABLE documents;
