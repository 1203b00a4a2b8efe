CREATE TABLE keys (
    account    TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    hash       BLOB    NOT NULL,
    read_only  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
