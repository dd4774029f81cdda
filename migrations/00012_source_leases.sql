-- +goose Up

-- Who loads into a source now. Whoever has gone without a word has it no more
-- once the lease has ended.
CREATE TABLE source_leases (
    tenant     TEXT   NOT NULL,
    source     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    author     TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    pid        BIGINT NOT NULL,
    since      BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, source)
);

-- +goose Down

DROP TABLE source_leases;
