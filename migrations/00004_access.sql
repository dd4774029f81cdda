-- +goose Up

CREATE TABLE tenants (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

INSERT INTO tenants (id, name, created_at) VALUES ('default', 'Default', 0);

-- Of a key only its hash is kept. prefix is the part that may be shown, by
-- which the row is found. expires_at and revoked_at are 0 for never.
CREATE TABLE api_keys (
    id         TEXT   PRIMARY KEY,
    tenant     TEXT   NOT NULL REFERENCES tenants (id),
    name       TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    prefix     TEXT   NOT NULL UNIQUE,
    hash       BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

-- One row, incremented by every change of keys and budgets: replicas look at
-- it once a second instead of reading everything.
CREATE TABLE access_version (
    id      BIGINT PRIMARY KEY,
    version BIGINT NOT NULL
);

INSERT INTO access_version (id, version) VALUES (1, 1);

-- Who changed what, when: at counts microseconds, which keeps the order of what
-- one person did. Rows are only ever added.
CREATE TABLE audit (
    id         TEXT   PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT   NOT NULL,
    action     TEXT   NOT NULL,
    tenant     TEXT   NOT NULL,
    target     TEXT   NOT NULL,
    detail     TEXT   NOT NULL,
    request_id TEXT   NOT NULL
);

CREATE INDEX audit_by_time ON audit (at);

-- cap is in millionths of a US dollar or in tokens, by unit.
CREATE TABLE budgets (
    id         TEXT   PRIMARY KEY,
    tenant     TEXT   NOT NULL REFERENCES tenants (id),
    subject    TEXT   NOT NULL,
    subject_id TEXT   NOT NULL,
    period     TEXT   NOT NULL,
    unit       TEXT   NOT NULL,
    cap        BIGINT NOT NULL,
    at_cap     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant, subject, subject_id, period, unit)
);

-- What was spent of a budget, and is held for answers under way, in one day or
-- month of one account: the tenant, a key or a user. A window is known by its
-- start, so that a clock that jumps back finds it as it was.
CREATE TABLE budget_windows (
    budget_id TEXT    NOT NULL,
    account   TEXT    NOT NULL,
    starts_at BIGINT  NOT NULL,
    spent     BIGINT  NOT NULL,
    held      BIGINT  NOT NULL,
    warned    BOOLEAN NOT NULL,
    PRIMARY KEY (budget_id, account, starts_at)
);

-- A reservation for one answer: one row for each window that it is held in.
CREATE TABLE holds (
    answer_id  TEXT   NOT NULL,
    budget_id  TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    starts_at  BIGINT NOT NULL,
    unit       TEXT   NOT NULL,
    amount     BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (answer_id, budget_id)
);

CREATE INDEX holds_by_expiry ON holds (expires_at);

CREATE INDEX attempts_by_answer ON attempts (answer_id);

-- Replies to requests that carried an Idempotency-Key. status is 0 while the
-- request is under way.
CREATE TABLE idempotency (
    tenant     TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    request    BYTEA  NOT NULL,
    status     BIGINT NOT NULL,
    media_type TEXT   NOT NULL,
    reply      BYTEA  NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key_id, name)
);

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- +goose Down

DROP TABLE idempotency;
DROP INDEX attempts_by_answer;
DROP TABLE holds;
DROP TABLE budget_windows;
DROP TABLE budgets;
DROP TABLE audit;
DROP TABLE access_version;
DROP TABLE api_keys;
DROP TABLE tenants;
