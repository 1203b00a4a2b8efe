-- How Slack is reached, if it is. `followed` is the place in the log up to which is known what is to be told
-- there; who holds `lease` tells it.
CREATE TABLE slack (
    id          INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    definition  TEXT    NOT NULL,
    followed    INTEGER NOT NULL,
    lease       TEXT,
    lease_until INTEGER NOT NULL
) STRICT;

-- A message in a channel: one for a deployment, and one for a start that people can let through. What it
-- shows is made when it is sent; `wanted` counts how often that became something else, `sent` up to which
-- of them is shown. `ts` is Slack's name of it. What asks the same has the same `topic`.
CREATE TABLE slack_messages (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    channel    TEXT    NOT NULL,
    ts         TEXT,
    wanted     INTEGER NOT NULL,
    sent       INTEGER NOT NULL,
    shown      TEXT    NOT NULL,
    not_before INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    open       INTEGER NOT NULL,
    error      TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, subject, channel)
) STRICT;

CREATE INDEX slack_messages_due ON slack_messages (not_before, id) WHERE wanted > sent;
CREATE INDEX slack_messages_open ON slack_messages (created_at) WHERE open = 1;
CREATE INDEX slack_messages_by_age ON slack_messages (created_at);

-- A code that makes a user of Slack known, for a few minutes.
CREATE TABLE slack_codes (
    hash       BLOB    NOT NULL PRIMARY KEY,
    team       TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    user_name  TEXT    NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
