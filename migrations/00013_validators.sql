-- +goose Up

-- By what the server of a page tells whether it has changed; empty: by nothing.
ALTER TABLE versions ADD COLUMN validators TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE versions DROP COLUMN validators;
