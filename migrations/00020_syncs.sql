-- +goose Up

-- When each source was last made equal to a folder or a sitemap without a
-- failure, and within how many milliseconds whoever did that promised to do it
-- again; 0: they did not.
CREATE TABLE syncs (
    tenant TEXT   NOT NULL,
    source TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    again  BIGINT NOT NULL,
    PRIMARY KEY (tenant, source)
);

-- +goose Down

DROP TABLE syncs;
