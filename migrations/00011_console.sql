-- +goose Up

-- Links that sign somebody in to the console, each once: using one removes it.
-- Of its token only the hash is kept.
CREATE TABLE sign_in_links (
    hash       BYTEA  PRIMARY KEY,
    tenant     TEXT   NOT NULL REFERENCES tenants (id),
    role       TEXT   NOT NULL,
    made_by    TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Who is signed in. Of the cookie's secret only the hash is kept. A session
-- that a key opened has no role of its own: it ends with key_id, and binding,
-- made of both secrets, tells whether that is still the key it was.
CREATE TABLE sessions (
    hash       BYTEA  PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    tenant     TEXT   NOT NULL REFERENCES tenants (id),
    role       TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    binding    BYTEA  NOT NULL,
    opened_at  BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- +goose Down

DROP TABLE sessions;
DROP TABLE sign_in_links;
