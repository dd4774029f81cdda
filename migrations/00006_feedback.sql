-- +goose Up

-- What users say of answers, comments masked: one row for each answer and user,
-- the latest. It goes with its answer.
CREATE TABLE feedback (
    answer_id TEXT   NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    user_id   TEXT   NOT NULL,
    tenant    TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    rating    TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    comment   TEXT   NOT NULL,
    PRIMARY KEY (answer_id, user_id)
);

-- +goose Down

DROP TABLE feedback;
