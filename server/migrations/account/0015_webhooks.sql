-- Whom the server tells what happens. Address and signing secret are in `secrets`.
CREATE TABLE webhooks (
    id            TEXT    NOT NULL PRIMARY KEY,
    definition    TEXT    NOT NULL,
    failing_since INTEGER
) STRICT;

-- The attempts to deliver a row of the queue.
CREATE TABLE attempts (
    item_id TEXT    NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    millis  INTEGER NOT NULL,
    status  INTEGER,
    error   TEXT,
    excerpt TEXT,
    PRIMARY KEY (item_id, at)
) STRICT;

-- Up to which place of the log is known what is to be told. What was before tells nothing.
CREATE TABLE announced (
    follower TEXT    NOT NULL PRIMARY KEY,
    place    INTEGER NOT NULL
) STRICT;
INSERT INTO announced (follower, place)
    SELECT 'webhooks', COALESCE(MAX(position), 0) FROM log;
