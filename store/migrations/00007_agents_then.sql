-- How a person was at an event long past: the last event of each type in their
-- stream before it.

-- +goose Up
CREATE INDEX events_agents ON events (stream, type, global) WHERE kind = 'agent';
