-- +goose Up

-- The keys that texts of customers may be encrypted with, by their ids: a
-- server without one of them refuses to start while anything needs it.
CREATE TABLE encryption_keys (
    id    TEXT   PRIMARY KEY,
    since BIGINT NOT NULL
);

-- +goose Down

DROP TABLE encryption_keys;
