-- One text for SQLite and PostgreSQL. Instants are microseconds since 1970 in
-- UTC, 0 for none. No query orders by text: engines and locales differ in that,
-- so lists are ordered by the global sequence of the event that began a thing.

-- +goose Up
CREATE TABLE events (
    global BIGINT NOT NULL PRIMARY KEY,
    kind   TEXT   NOT NULL,
    stream TEXT   NOT NULL,
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    config TEXT   NOT NULL,
    type   TEXT   NOT NULL,
    body   TEXT   NOT NULL
);
-- Not unique: an event is kept even when a fault of ours numbers it wrongly.
CREATE INDEX events_stream ON events (kind, stream, seq);

CREATE TABLE calls (
    id        TEXT   NOT NULL PRIMARY KEY,
    opened    BIGINT NOT NULL,
    arrived   BIGINT NOT NULL,
    ended     BIGINT NOT NULL,
    origin    TEXT   NOT NULL,
    ticket_id TEXT   NOT NULL,
    queue     TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    outcome   TEXT   NOT NULL,
    record    TEXT   NOT NULL
);
CREATE INDEX calls_opened ON calls (opened);
CREATE INDEX calls_open ON calls (opened) WHERE ended = 0;
CREATE INDEX calls_origin ON calls (origin);
CREATE INDEX calls_ticket ON calls (ticket_id, opened);
CREATE INDEX calls_queue ON calls (queue, opened);
CREATE INDEX calls_agent ON calls (agent, opened);
CREATE INDEX calls_outcome ON calls (outcome, opened);

CREATE TABLE tickets (
    id     TEXT   NOT NULL PRIMARY KEY,
    opened BIGINT NOT NULL,
    state  TEXT   NOT NULL,
    ticket TEXT   NOT NULL
);
CREATE INDEX tickets_opened ON tickets (opened);
CREATE INDEX tickets_state ON tickets (state, opened);

CREATE TABLE ticket_notes (
    global    BIGINT NOT NULL PRIMARY KEY,
    ticket_id TEXT   NOT NULL,
    note      TEXT   NOT NULL
);
CREATE INDEX ticket_notes_ticket ON ticket_notes (ticket_id, global);

CREATE TABLE recordings (
    id        TEXT   NOT NULL PRIMARY KEY,
    opened    BIGINT NOT NULL,
    finished  BIGINT NOT NULL,
    call_id   TEXT   NOT NULL,
    ticket_id TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    recording TEXT   NOT NULL
);
CREATE INDEX recordings_opened ON recordings (opened);
CREATE INDEX recordings_running ON recordings (opened) WHERE finished = 0;
CREATE INDEX recordings_call ON recordings (call_id, opened);
CREATE INDEX recordings_ticket ON recordings (ticket_id, opened);

CREATE TABLE agents (
    id    TEXT NOT NULL PRIMARY KEY,
    agent TEXT NOT NULL
);

CREATE TABLE lost_callers (
    global  BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    call_id TEXT   NOT NULL,
    queue   TEXT   NOT NULL,
    number  TEXT   NOT NULL,
    joined  BIGINT NOT NULL,
    reason  TEXT   NOT NULL
);

CREATE TABLE checkpoints (
    name   TEXT   NOT NULL PRIMARY KEY,
    global BIGINT NOT NULL,
    data   BYTEA  NOT NULL
);

CREATE TABLE centres (
    hash   TEXT   NOT NULL PRIMARY KEY,
    stored BIGINT NOT NULL,
    data   BYTEA  NOT NULL
);

CREATE TABLE numbers (
    name TEXT   NOT NULL PRIMARY KEY,
    next BIGINT NOT NULL
);
INSERT INTO numbers (name, next) VALUES ('ticket', 100001);

-- Whoever owns the database has the highest epoch; a commit under another fails.
CREATE TABLE lease (
    id    BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    owner TEXT   NOT NULL,
    beat  BIGINT NOT NULL
);
INSERT INTO lease (id, epoch, owner, beat) VALUES (1, 0, '', 0);

CREATE TABLE devices (
    name       TEXT NOT NULL PRIMARY KEY,
    realm      TEXT NOT NULL,
    ha1_md5    TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL
);

CREATE TABLE bindings (
    device  TEXT   NOT NULL,
    contact TEXT   NOT NULL,
    expires BIGINT NOT NULL,
    binding TEXT   NOT NULL,
    PRIMARY KEY (device, contact)
);

CREATE TABLE sessions (
    token  TEXT   NOT NULL PRIMARY KEY,
    data   BYTEA  NOT NULL,
    expiry BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expiry);

CREATE TABLE tokens (
    sha256 TEXT NOT NULL PRIMARY KEY,
    name   TEXT NOT NULL,
    role   TEXT NOT NULL
);
CREATE UNIQUE INDEX tokens_name ON tokens (name);
