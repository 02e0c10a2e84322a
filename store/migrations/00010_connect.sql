-- What is told to other systems and to people: how far each endpoint has read the
-- journal, a row for each message, secrets (which are no events), under which ids
-- others keep our tickets, and who does not want to be told.

-- +goose Up
CREATE TABLE endpoint_cursors (
    endpoint TEXT   NOT NULL PRIMARY KEY,
    global   BIGINT NOT NULL
);

CREATE TABLE deliveries (
    id       TEXT   NOT NULL PRIMARY KEY,
    endpoint TEXT   NOT NULL,
    ordering TEXT   NOT NULL, -- the key whose messages go one after the other
    global   BIGINT NOT NULL,
    type     TEXT   NOT NULL,
    state    TEXT   NOT NULL,
    made     BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    last     TEXT   NOT NULL,
    ended    BIGINT NOT NULL, -- 0 while it waits
    payload  TEXT   NOT NULL
);
CREATE INDEX deliveries_waiting ON deliveries (endpoint, global) WHERE ended = 0;
CREATE INDEX deliveries_listed ON deliveries (endpoint, state, made);
CREATE INDEX deliveries_state ON deliveries (state, made);
CREATE INDEX deliveries_ordering ON deliveries (ordering, made);
CREATE INDEX deliveries_ended ON deliveries (ended) WHERE ended > 0;

CREATE TABLE endpoint_secrets (
    endpoint TEXT   NOT NULL,
    name     TEXT   NOT NULL,
    stored   BIGINT NOT NULL,
    value    TEXT   NOT NULL,
    PRIMARY KEY (endpoint, name)
);

CREATE TABLE remote_tickets (
    endpoint  TEXT NOT NULL,
    remote    TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    PRIMARY KEY (endpoint, remote)
);

CREATE TABLE opt_outs (
    address TEXT   NOT NULL PRIMARY KEY,
    stored  BIGINT NOT NULL,
    how     TEXT   NOT NULL
);
