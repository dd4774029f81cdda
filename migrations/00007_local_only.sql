-- +goose Up

-- Whether a document may be shown to private models alone.
ALTER TABLE versions ADD COLUMN local_only BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down

ALTER TABLE versions DROP COLUMN local_only;
