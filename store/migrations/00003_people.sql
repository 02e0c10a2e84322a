-- What is kept of people beside the journal: no PIN, not even its hash, is an
-- event, and a calendar is too long to be one. The shifts that hold are the
-- latest stored; those before are kept as history.

-- +goose Up
CREATE TABLE pins (
    agent TEXT NOT NULL PRIMARY KEY,
    hash  TEXT NOT NULL
);

CREATE TABLE shifts (
    agent    TEXT   NOT NULL,
    stored   BIGINT NOT NULL,
    calendar TEXT   NOT NULL,
    PRIMARY KEY (agent, stored)
);
