-- Identifiers are UUIDv7 text, so that their order is the order of creation.
-- Times are microseconds since 1970-01-01 UTC.

CREATE TABLE products (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE environments (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE versions (
    id         TEXT    NOT NULL PRIMARY KEY,
    product_id TEXT    NOT NULL REFERENCES products (id),
    version    TEXT    NOT NULL,
    scm_sha    TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (product_id, version)
) STRICT, WITHOUT ROWID;

-- `attributes` holds the descriptive fields as they were sent: nothing selects by them.
CREATE TABLE builds (
    id             TEXT    NOT NULL PRIMARY KEY,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    status         TEXT    NOT NULL,
    invoke_id      TEXT,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Few builds are open at a time, however many there have been.
CREATE INDEX builds_open ON builds (version_id, id) WHERE status IN ('pending', 'started');
CREATE INDEX builds_by_product ON builds (product_id, id);

CREATE TABLE deployments (
    id             TEXT    NOT NULL PRIMARY KEY,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    status         TEXT    NOT NULL,
    invoke_id      TEXT,
    deployed_by    TEXT,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deployed_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX deployments_open
    ON deployments (product_id, environment_id, status) WHERE status IN ('pending', 'started');
CREATE INDEX deployments_completed
    ON deployments (product_id, environment_id, deployed_at, version_id)
    WHERE status = 'completed';
CREATE INDEX deployments_by_age ON deployments (product_id, environment_id, id);

-- What each Idempotency-Key was answered with first.
CREATE TABLE answers (
    idempotency_key TEXT    NOT NULL PRIMARY KEY,
    fingerprint     BLOB    NOT NULL,
    status          INTEGER NOT NULL,
    body            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `definition` is the rule as the API takes it.
CREATE TABLE rules (
    id         TEXT    NOT NULL PRIMARY KEY,
    definition TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `person` is `approved_by` in lower case: one person counts once.
CREATE TABLE approvals (
    id             TEXT    NOT NULL PRIMARY KEY,
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    type           TEXT    NOT NULL,
    person         TEXT    NOT NULL,
    approved_by    TEXT    NOT NULL,
    comment        TEXT,
    created_at     INTEGER NOT NULL,
    UNIQUE (version_id, environment_id, type, person)
) STRICT, WITHOUT ROWID;
