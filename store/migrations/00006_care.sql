-- Callers who are kept out, and callers who left unserved: folded from their streams.

-- +goose Up
CREATE TABLE blocks (
    id     TEXT   NOT NULL PRIMARY KEY,
    opened BIGINT NOT NULL,
    ends   BIGINT NOT NULL, -- the instant from which nothing can come of it; the greatest number while there is none
    number TEXT   NOT NULL,
    block  TEXT   NOT NULL
);
CREATE INDEX blocks_opened ON blocks (opened);
CREATE INDEX blocks_ends ON blocks (ends, opened);

CREATE TABLE lost_items (
    id     TEXT   NOT NULL PRIMARY KEY,
    opened BIGINT NOT NULL,
    ended  BIGINT NOT NULL,
    how    TEXT   NOT NULL, -- it ended; empty while it has not
    queue  TEXT   NOT NULL,
    number TEXT   NOT NULL,
    item   TEXT   NOT NULL
);
CREATE INDEX lost_items_opened ON lost_items (opened);
CREATE INDEX lost_items_open ON lost_items (opened) WHERE ended = 0;
CREATE INDEX lost_items_how ON lost_items (how, opened);
CREATE INDEX lost_items_queue ON lost_items (queue, opened);
CREATE INDEX lost_items_number ON lost_items (number, opened);
