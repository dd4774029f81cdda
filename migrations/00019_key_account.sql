-- +goose Up

-- Whose budgets a key spends from: the first key that it succeeds by rotation,
-- else itself, also where it is empty.
ALTER TABLE api_keys ADD COLUMN account TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE api_keys DROP COLUMN account;
