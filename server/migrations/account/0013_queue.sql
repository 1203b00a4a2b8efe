-- What waits to be done: what others have sent, and what is to be sent. A row stays for a time after its
-- end, so that the same thing that comes again is known, and can be done again. While somebody works on
-- it, `lease` names them, and `not_before` is when others may take it up.
CREATE TABLE queue (
    id         TEXT    NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    lease      TEXT,
    ended_at   INTEGER,
    error      TEXT,
    result     TEXT,
    head       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    body       BLOB    NOT NULL,
    UNIQUE (kind, topic, key)
) STRICT;

CREATE INDEX queue_waiting ON queue (kind, not_before, id, created_at, size) WHERE state = 'waiting';
CREATE INDEX queue_ended ON queue (ended_at) WHERE state <> 'waiting';
CREATE INDEX queue_dead ON queue (id) WHERE state = 'dead';
CREATE INDEX queue_by_topic ON queue (topic, id);
