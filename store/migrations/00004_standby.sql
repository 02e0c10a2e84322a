-- A standby has to know whose the lease is: the data folder of the last owner,
-- which a restart of the same server has again, and since when it has been his.

-- +goose Up
ALTER TABLE lease ADD COLUMN folder TEXT NOT NULL DEFAULT '';
ALTER TABLE lease ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
