-- The tables of an account, as SQLite has them: times are microseconds since 1970, what is true is 1,
-- and JSON is kept as the text that was sent. Text is compared byte by byte.
CREATE TABLE products (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    folded     TEXT COLLATE "C",
    archived   BIGINT NOT NULL DEFAULT 0,
    owner      TEXT COLLATE "C",
    alias_of   TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX products_folded ON products (folded);
CREATE INDEX products_by_time ON products (created_at, id);

CREATE TABLE environments (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    folded     TEXT COLLATE "C",
    type       TEXT COLLATE "C",
    rank       BIGINT,
    archived   BIGINT NOT NULL DEFAULT 0,
    owner      TEXT COLLATE "C",
    alias_of   TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX environments_folded ON environments (folded);
CREATE INDEX environments_by_time ON environments (created_at, id);

CREATE TABLE aliases (
    kind      TEXT COLLATE "C" NOT NULL,
    folded    TEXT COLLATE "C" NOT NULL,
    name      TEXT COLLATE "C" NOT NULL,
    target_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (kind, folded)
);

CREATE TABLE versions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    product_id TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    scm_sha    TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    pinned     BIGINT NOT NULL DEFAULT 0,
    UNIQUE (product_id, version)
);
CREATE INDEX versions_by_time ON versions (created_at, id);
CREATE INDEX versions_by_product ON versions (product_id, created_at, id);
CREATE INDEX versions_by_name ON versions (version, created_at, id);
CREATE INDEX versions_by_commit ON versions (lower(scm_sha)) WHERE scm_sha IS NOT NULL;

CREATE TABLE builds (
    position       BIGINT NOT NULL PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    product_id     TEXT COLLATE "C" NOT NULL,
    version_id     TEXT COLLATE "C" NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    invoke_id      TEXT COLLATE "C",
    origin         TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    attributes     TEXT COLLATE "C" NOT NULL,
    extra_metadata TEXT COLLATE "C" NOT NULL
);
CREATE INDEX builds_by_version ON builds (version_id, position);
CREATE INDEX builds_by_time ON builds (created_at, position);
CREATE INDEX builds_by_product ON builds (product_id, created_at, position);
CREATE INDEX builds_by_status ON builds (status, created_at, position);

CREATE TABLE deployments (
    position       BIGINT NOT NULL PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    product_id     TEXT COLLATE "C" NOT NULL,
    environment_id TEXT COLLATE "C" NOT NULL,
    version_id     TEXT COLLATE "C" NOT NULL,
    status         TEXT COLLATE "C" NOT NULL,
    gate           TEXT COLLATE "C" NOT NULL,
    exclusive      BIGINT NOT NULL,
    invoke_id      TEXT COLLATE "C",
    origin         TEXT COLLATE "C" NOT NULL,
    span           TEXT COLLATE "C",
    parts          TEXT COLLATE "C" NOT NULL,
    deployed_by    TEXT COLLATE "C",
    asked_by       TEXT COLLATE "C",
    asked          TEXT COLLATE "C",
    asks           BIGINT NOT NULL,
    refused_by     TEXT COLLATE "C",
    ended_by       TEXT COLLATE "C",
    overlapped     BIGINT NOT NULL,
    evidence       BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    started_at     BIGINT,
    at             BIGINT NOT NULL,
    deployed_at    BIGINT,
    expires_at     BIGINT,
    lease          BIGINT NOT NULL,
    attributes     TEXT COLLATE "C" NOT NULL,
    extra_metadata TEXT COLLATE "C" NOT NULL
);
CREATE INDEX deployments_by_time ON deployments (created_at, position);
CREATE INDEX deployments_by_product ON deployments (product_id, created_at, position);
CREATE INDEX deployments_by_environment ON deployments (environment_id, created_at, position);
CREATE INDEX deployments_by_cell
    ON deployments (product_id, environment_id, created_at, position);
CREATE INDEX deployments_by_status ON deployments (status, created_at, position);
CREATE INDEX deployments_by_version ON deployments (version_id, environment_id, position);
CREATE INDEX deployments_completed ON deployments (product_id, environment_id, at, position)
    WHERE status = 'completed';
CREATE INDEX deployments_finished ON deployments (at)
    WHERE status IN ('completed', 'failed');
CREATE INDEX deployments_started ON deployments (environment_id) WHERE status = 'started';
CREATE INDEX deployments_expiring ON deployments (expires_at) WHERE expires_at IS NOT NULL;
-- A net below the lock of the cell: two that exclude each other are never both in progress.
CREATE UNIQUE INDEX deployments_exclusive ON deployments (product_id, environment_id)
    WHERE status = 'started' AND exclusive = 1;

CREATE TABLE spans (
    span          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    deployment_id TEXT COLLATE "C",
    part          TEXT COLLATE "C",
    aborted_until BIGINT
);

CREATE TABLE cells (
    product_id      TEXT COLLATE "C" NOT NULL,
    environment_id  TEXT COLLATE "C" NOT NULL,
    in_progress     TEXT COLLATE "C" NOT NULL,
    last_id         TEXT COLLATE "C",
    last_started_id TEXT COLLATE "C",
    current_id      TEXT COLLATE "C",
    current_at      BIGINT,
    previous_id     TEXT COLLATE "C",
    latest_id       TEXT COLLATE "C",
    latest_at       BIGINT,
    PRIMARY KEY (product_id, environment_id)
);

-- `position` is given when a command is decided, under the lock of its cell: in a cell it is the order
-- of arrival. Commits come in another order, so `place`, the order in which the log is read, and
-- `hash` are given after the commit.
CREATE SEQUENCE log_position START 2;
CREATE TABLE log (
    position    BIGINT NOT NULL PRIMARY KEY,
    place       BIGINT UNIQUE,
    at          BIGINT NOT NULL,
    occurred_at BIGINT,
    actor       TEXT COLLATE "C" NOT NULL,
    request_id  TEXT COLLATE "C",
    kind        TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C",
    changes     TEXT COLLATE "C" NOT NULL,
    status      BIGINT,
    answer      TEXT COLLATE "C",
    hash        BYTEA
);
CREATE INDEX log_without_place ON log (position) WHERE place IS NULL;
CREATE INDEX log_by_kind ON log (kind, place);
CREATE INDEX log_by_actor ON log (actor, place);
CREATE INDEX log_by_subject ON log (subject, place) WHERE subject IS NOT NULL;
INSERT INTO log (position, place, at, actor, kind, changes, hash)
VALUES (1, 1, 0, 'server', 'migrated', '[]', decode(repeat('00', 32), 'hex'));

CREATE TABLE mentions (
    deployment_id TEXT COLLATE "C" NOT NULL,
    position      BIGINT NOT NULL,
    PRIMARY KEY (deployment_id, position)
);

-- `position` is 0 while the request is decided.
CREATE TABLE requests (
    idempotency_key TEXT COLLATE "C" NOT NULL,
    endpoint        TEXT COLLATE "C" NOT NULL,
    actor           TEXT COLLATE "C" NOT NULL,
    fingerprint     TEXT COLLATE "C" NOT NULL,
    position        BIGINT NOT NULL,
    PRIMARY KEY (idempotency_key, endpoint, actor)
);

-- What a version before the log has answered; it comes with a copy.
CREATE TABLE answers (
    idempotency_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    fingerprint     BYTEA  NOT NULL,
    status          BIGINT NOT NULL,
    body            TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL
);

CREATE TABLE rules (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE exemptions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    usable     BIGINT NOT NULL,
    definition TEXT COLLATE "C" NOT NULL
);
CREATE INDEX exemptions_usable ON exemptions (usable) WHERE usable = 1;

CREATE TABLE approvals (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version_id     TEXT COLLATE "C" NOT NULL,
    environment_id TEXT COLLATE "C" NOT NULL,
    type           TEXT COLLATE "C" NOT NULL,
    withdrawn      BIGINT NOT NULL,
    definition     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX approvals_by_version ON approvals (version_id, type, environment_id);

CREATE TABLE people (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    role       TEXT COLLATE "C" NOT NULL,
    approves   TEXT COLLATE "C" NOT NULL,
    active     BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE identities (
    person_id     TEXT COLLATE "C" NOT NULL,
    number        BIGINT NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    value         TEXT COLLATE "C" NOT NULL,
    source_system TEXT COLLATE "C",
    host          TEXT COLLATE "C",
    PRIMARY KEY (person_id, number)
);

CREATE TABLE settings (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE keys (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT COLLATE "C" NOT NULL,
    hash       BYTEA NOT NULL,
    old_hash   BYTEA
);

CREATE TABLE key_uses (
    key_id       TEXT COLLATE "C" NOT NULL,
    scope        TEXT COLLATE "C" NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, scope)
);

CREATE FUNCTION instr(TEXT, TEXT) RETURNS INTEGER
    LANGUAGE sql IMMUTABLE RETURN strpos($1, $2);
