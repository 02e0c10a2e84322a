-- Those who call, folded from their streams; and their PINs, which no event holds.

-- +goose Up
CREATE TABLE directory (
    kind    TEXT   NOT NULL, -- of the stream: customer, company, service, asset
    id      TEXT   NOT NULL,
    opened  BIGINT NOT NULL,
    removed BIGINT NOT NULL, -- 1 for an entry that was taken out
    entry   TEXT   NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE customer_pins (
    customer TEXT NOT NULL PRIMARY KEY,
    hash     TEXT NOT NULL -- empty when there is none any more
);
