-- +goose Up

-- Who was deleted lately, so that what was asked before is not written after:
-- by a replica that had it queued, or was answering. A subject is the digest of
-- a user, or of one conversation of theirs.
CREATE TABLE erasures (
    subject TEXT   PRIMARY KEY,
    at      BIGINT NOT NULL
);

-- Whose reply it is, empty where nobody is named.
ALTER TABLE idempotency ADD COLUMN user_id TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE idempotency DROP COLUMN user_id;

DROP TABLE erasures;
