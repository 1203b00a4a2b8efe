CREATE TABLE sessions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person_id  TEXT COLLATE "C" NOT NULL,
    hash       BYTEA NOT NULL,
    means      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    address    TEXT COLLATE "C",
    agent      TEXT COLLATE "C"
);
CREATE INDEX sessions_by_person ON sessions (person_id, created_at);

CREATE TABLE links (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person_id  TEXT COLLATE "C",
    hash       BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    used       BIGINT NOT NULL
);

CREATE TABLE passwords (
    person_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash      TEXT COLLATE "C" NOT NULL
);
