-- +goose Up

-- What was asked and answered, personal data masked. Costs are millionths of
-- a US dollar.
CREATE TABLE answers (
    id                TEXT             PRIMARY KEY,
    tenant            TEXT             NOT NULL,
    key_id            TEXT             NOT NULL,
    user_id           TEXT             NOT NULL,
    conversation_id   TEXT             NOT NULL,
    asked_at          BIGINT           NOT NULL,
    question          TEXT             NOT NULL,
    answer            TEXT             NOT NULL,
    lang              TEXT             NOT NULL,
    route             TEXT             NOT NULL,
    route_reason      TEXT             NOT NULL,
    route_confidence  DOUBLE PRECISION NOT NULL,
    pleasantry        BOOLEAN          NOT NULL,
    outcome           TEXT             NOT NULL,
    grounded          BOOLEAN          NOT NULL,
    degraded          BOOLEAN          NOT NULL,
    provider          TEXT             NOT NULL,
    model             TEXT             NOT NULL,
    prompt_tokens     BIGINT           NOT NULL,
    completion_tokens BIGINT           NOT NULL,
    cost              BIGINT           NOT NULL,
    cache_tier        TEXT             NOT NULL,
    latency_us        BIGINT           NOT NULL,
    trace_id          TEXT             NOT NULL,
    detail            TEXT             NOT NULL,
    trace             TEXT             NOT NULL
);

CREATE INDEX answers_by_time ON answers (tenant, asked_at);

-- The ledger: one row for each call to a provider. Until an attempt has ended
-- its cost is the bound made before the call, so that a sum over cost never
-- falls below what was spent.
CREATE TABLE attempts (
    id                 TEXT    PRIMARY KEY,
    answer_id          TEXT    NOT NULL,
    tenant             TEXT    NOT NULL,
    number             BIGINT  NOT NULL,
    provider           TEXT    NOT NULL,
    model              TEXT    NOT NULL,
    purpose            TEXT    NOT NULL,
    state              TEXT    NOT NULL,
    started_at         BIGINT  NOT NULL,
    latency_us         BIGINT  NOT NULL,
    prompt_tokens      BIGINT  NOT NULL,
    completion_tokens  BIGINT  NOT NULL,
    cached_tokens      BIGINT  NOT NULL,
    cache_write_tokens BIGINT  NOT NULL,
    reasoning_tokens   BIGINT  NOT NULL,
    estimated          BOOLEAN NOT NULL,
    cost               BIGINT  NOT NULL,
    worst              BIGINT  NOT NULL,
    priced             BOOLEAN NOT NULL,
    failure            TEXT    NOT NULL,
    prompt_length      BIGINT  NOT NULL,
    response_length    BIGINT  NOT NULL
);

CREATE INDEX attempts_by_time ON attempts (tenant, started_at);

-- +goose Down

DROP TABLE attempts;
DROP TABLE answers;
