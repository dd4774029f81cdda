-- +goose Up

-- When the cache last gave the answer of a handoff again, to another customer
-- who waits for the same. 0 until it does.
ALTER TABLE handoffs ADD COLUMN again_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down

ALTER TABLE handoffs DROP COLUMN again_at;
