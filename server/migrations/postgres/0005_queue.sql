-- What waits to be done: what others have sent, and what is to be sent. A row stays for a time after its
-- end, so that the same thing that comes again is known, and can be done again. While somebody works on
-- it, `lease` names them, and `not_before` is when others may take it up.
CREATE TABLE queue (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    topic      TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    attempts   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    lease      TEXT COLLATE "C",
    ended_at   BIGINT,
    error      TEXT COLLATE "C",
    result     TEXT COLLATE "C",
    head       TEXT COLLATE "C" NOT NULL,
    size       BIGINT NOT NULL,
    body       BYTEA NOT NULL,
    UNIQUE (kind, topic, key)
);
CREATE INDEX queue_waiting ON queue (kind, not_before, id, created_at, size) WHERE state = 'waiting';
CREATE INDEX queue_ended ON queue (ended_at) WHERE state <> 'waiting';
CREATE INDEX queue_dead ON queue (id) WHERE state = 'dead';
CREATE INDEX queue_by_topic ON queue (topic, id);
