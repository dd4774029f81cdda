-- +goose Up

-- How often the cache gave an answer again.
ALTER TABLE answers ADD COLUMN askings BIGINT NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE answers DROP COLUMN askings;
