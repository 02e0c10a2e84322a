-- The last calls of a caller, by the number as it was signalled.

-- +goose Up
ALTER TABLE calls ADD COLUMN number TEXT NOT NULL DEFAULT '';
CREATE INDEX calls_number ON calls (number, opened);
