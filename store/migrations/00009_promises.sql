-- Promises to customers: the tickets whose clocks run, and the months that were reported.

-- +goose Up
CREATE INDEX tickets_unsettled ON tickets (opened) WHERE state <> 'resolved' AND state <> 'closed';

-- A version of a month's report, as it was sealed. It is never changed: a correction is
-- the next version.
CREATE TABLE sealed_months (
    client  TEXT   NOT NULL,
    month   TEXT   NOT NULL,
    version BIGINT NOT NULL,
    sealed  BIGINT NOT NULL,
    hash    TEXT   NOT NULL,
    report  TEXT   NOT NULL,
    PRIMARY KEY (client, month, version)
);
