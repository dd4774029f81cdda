-- +goose Up

-- The rule by which the guard suspects a text of speaking to the assistant
-- instead of its readers; empty: it does not.
ALTER TABLE versions ADD COLUMN flag TEXT NOT NULL DEFAULT '';
ALTER TABLE chunks ADD COLUMN flag TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE chunks DROP COLUMN flag;
ALTER TABLE versions DROP COLUMN flag;
