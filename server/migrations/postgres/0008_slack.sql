-- How Slack is reached, if it is. `followed` is the place in the log up to which is known what is to be told
-- there; who holds `lease` tells it.
CREATE TABLE slack (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    definition  TEXT COLLATE "C" NOT NULL,
    followed    BIGINT NOT NULL,
    lease       TEXT COLLATE "C",
    lease_until BIGINT NOT NULL
);

-- A message in a channel: one for a deployment, and one for a start that people can let through. What it
-- shows is made when it is sent; `wanted` counts how often that became something else, `sent` up to which
-- of them is shown. `ts` is Slack's name of it. What asks the same has the same `topic`.
CREATE TABLE slack_messages (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    topic      TEXT COLLATE "C" NOT NULL,
    channel    TEXT COLLATE "C" NOT NULL,
    ts         TEXT COLLATE "C",
    wanted     BIGINT NOT NULL,
    sent       BIGINT NOT NULL,
    shown      TEXT COLLATE "C" NOT NULL,
    not_before BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    open       BIGINT NOT NULL,
    error      TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject, channel)
);

CREATE INDEX slack_messages_due ON slack_messages (not_before, id) WHERE wanted > sent;
CREATE INDEX slack_messages_open ON slack_messages (created_at) WHERE open = 1;
CREATE INDEX slack_messages_by_age ON slack_messages (created_at);

-- A code that makes a user of Slack known, for a few minutes.
CREATE TABLE slack_codes (
    hash       BYTEA   NOT NULL PRIMARY KEY,
    team       TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    user_name  TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
