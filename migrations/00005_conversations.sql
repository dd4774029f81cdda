-- +goose Up

-- What was said in conversations, personal data masked. A conversation belongs
-- to one user of one tenant: two users who choose the same id have two.
-- standalone is the question as it was understood from what came before, empty
-- where it stood alone.
CREATE TABLE turns (
    tenant          TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL,
    at              BIGINT NOT NULL,
    answer_id       TEXT   NOT NULL,
    question        TEXT   NOT NULL,
    standalone      TEXT   NOT NULL,
    answer          TEXT   NOT NULL,
    lang            TEXT   NOT NULL,
    outcome         TEXT   NOT NULL,
    PRIMARY KEY (tenant, user_id, conversation_id, at, answer_id)
);

CREATE INDEX turns_by_time ON turns (at);

-- +goose Down

DROP TABLE turns;
