-- Whom the server tells what happens. Address and signing secret are in `secrets`.
CREATE TABLE webhooks (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition    TEXT COLLATE "C" NOT NULL,
    failing_since BIGINT
);

-- The attempts to deliver a row of the queue.
CREATE TABLE attempts (
    item_id TEXT COLLATE "C" NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
    at      BIGINT NOT NULL,
    millis  BIGINT NOT NULL,
    status  BIGINT,
    error   TEXT COLLATE "C",
    excerpt TEXT COLLATE "C",
    PRIMARY KEY (item_id, at)
);

-- Up to which place of the log is known what is to be told. What was before tells nothing.
CREATE TABLE announced (
    follower TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    place    BIGINT NOT NULL
);
INSERT INTO announced (follower, place)
    SELECT 'webhooks', COALESCE(MAX(place), 0) FROM log;
