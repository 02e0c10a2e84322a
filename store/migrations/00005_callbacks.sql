-- Requests to be called back, folded from their streams.

-- +goose Up
CREATE TABLE callbacks (
    id       TEXT   NOT NULL PRIMARY KEY,
    opened   BIGINT NOT NULL,
    ended    BIGINT NOT NULL,
    queue    TEXT   NOT NULL,
    ticket_id TEXT  NOT NULL,
    callback TEXT   NOT NULL
);
CREATE INDEX callbacks_opened ON callbacks (opened);
CREATE INDEX callbacks_open ON callbacks (opened) WHERE ended = 0;
CREATE INDEX callbacks_queue ON callbacks (queue, opened);
CREATE INDEX callbacks_ticket ON callbacks (ticket_id, opened);
