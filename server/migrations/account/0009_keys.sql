-- `definition` is the key as the log has it. `old_hash` is that of the secret before a rotation.
CREATE TABLE keys (
    id         TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL,
    hash       BLOB NOT NULL,
    old_hash   BLOB
) STRICT, WITHOUT ROWID;

CREATE TABLE key_uses (
    key_id       TEXT    NOT NULL,
    scope        TEXT    NOT NULL,
    last_used_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, scope)
) STRICT, WITHOUT ROWID;
