-- Hashes and where people sit are kept here alone: the log has neither.
CREATE TABLE sessions (
    id         TEXT    NOT NULL PRIMARY KEY,
    person_id  TEXT    NOT NULL REFERENCES people (id),
    hash       BLOB    NOT NULL,
    means      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    address    TEXT,
    agent      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_person ON sessions (person_id, created_at);

CREATE TABLE links (
    id         TEXT    NOT NULL PRIMARY KEY,
    person_id  TEXT    REFERENCES people (id),
    hash       BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    used       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE passwords (
    person_id TEXT NOT NULL PRIMARY KEY REFERENCES people (id),
    hash      TEXT NOT NULL
) STRICT, WITHOUT ROWID;
