-- +goose Up

-- When a customer was last sent to a person by the answer of a handoff, or
-- somebody opened it again: the desk sees the latest first.
ALTER TABLE handoffs ADD COLUMN raised_at BIGINT NOT NULL DEFAULT 0;

UPDATE handoffs SET raised_at = CASE WHEN again_at > asked_at THEN again_at ELSE asked_at END;

DROP INDEX handoffs_by_time;

CREATE INDEX handoffs_by_time ON handoffs (tenant, raised_at);

-- +goose Down

DROP INDEX handoffs_by_time;

CREATE INDEX handoffs_by_time ON handoffs (tenant, asked_at);

ALTER TABLE handoffs DROP COLUMN raised_at;
