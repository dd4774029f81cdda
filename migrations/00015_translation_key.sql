-- +goose Up

-- What a document and its translations declare alike; empty: their paths tell.
ALTER TABLE versions ADD COLUMN translation_key TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE versions DROP COLUMN translation_key;
