-- +goose Up

-- Customers whom an answer sent to a person: how far the people behind the desk
-- have come, and whether the webhook could tell them. What was said stands with
-- the answer, and a handoff goes with it. handled_at is 0 until somebody takes it.
CREATE TABLE handoffs (
    answer_id  TEXT   PRIMARY KEY REFERENCES answers (id) ON DELETE CASCADE,
    tenant     TEXT   NOT NULL,
    asked_at   BIGINT NOT NULL,
    reason     TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    handled_by TEXT   NOT NULL,
    handled_at BIGINT NOT NULL,
    webhook    TEXT   NOT NULL
);

CREATE INDEX handoffs_by_time ON handoffs (tenant, asked_at);

-- +goose Down

DROP TABLE handoffs;
