-- +goose Up

-- The vectors once more, as pgvector searches them; vectors stays the truth.
-- A row is written and deleted with its vector and never changes for another
-- reason: an HNSW index makes every new version of a row dear. Each space, a
-- model and a number of dimensions, gets a partial index with its first vector.
CREATE TABLE vector_index (
    tenant TEXT   NOT NULL,
    key    TEXT   NOT NULL,
    model  TEXT   NOT NULL,
    dim    BIGINT NOT NULL,
    vector VECTOR NOT NULL,
    PRIMARY KEY (tenant, key, model),
    FOREIGN KEY (tenant, key, model) REFERENCES vectors (tenant, key, model) ON DELETE CASCADE
);

-- +goose Down

DROP TABLE vector_index;
