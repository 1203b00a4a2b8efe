-- What happened, in the order in which it was decided: the tables below are made from it.
-- `changes` are the decision, `answer` is what was answered. Each row has the hash of the one before.
CREATE TABLE log (
    position    INTEGER NOT NULL PRIMARY KEY,
    at          INTEGER NOT NULL,
    occurred_at INTEGER,
    actor       TEXT    NOT NULL,
    request_id  TEXT,
    kind        TEXT    NOT NULL,
    subject     TEXT,
    changes     TEXT    NOT NULL,
    status      INTEGER,
    answer      TEXT,
    hash        BLOB    NOT NULL
) STRICT;

-- Which row of the log answered an Idempotency-Key. `answers` keeps those of the version before.
CREATE TABLE requests (
    idempotency_key TEXT    NOT NULL,
    endpoint        TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    fingerprint     TEXT    NOT NULL,
    position        INTEGER NOT NULL,
    PRIMARY KEY (idempotency_key, endpoint, actor)
) STRICT, WITHOUT ROWID;

-- `deployment_id` is empty if the span was aborted before it started.
CREATE TABLE spans (
    span          TEXT NOT NULL PRIMARY KEY,
    deployment_id TEXT,
    part          TEXT,
    aborted_until INTEGER
) STRICT, WITHOUT ROWID;

-- A product in an environment. `in_progress` are the identifiers of deployments, as JSON.
CREATE TABLE cells (
    product_id      TEXT NOT NULL,
    environment_id  TEXT NOT NULL,
    in_progress     TEXT NOT NULL,
    last_id         TEXT,
    last_started_id TEXT,
    current_id      TEXT,
    current_at      INTEGER,
    previous_id     TEXT,
    latest_id       TEXT,
    latest_at       INTEGER,
    PRIMARY KEY (product_id, environment_id)
) STRICT, WITHOUT ROWID;

-- Before, the first commit that was told stayed.
ALTER TABLE versions ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
UPDATE versions SET pinned = 1 WHERE scm_sha IS NOT NULL;

CREATE TABLE new_builds (
    position       INTEGER NOT NULL PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    status         TEXT    NOT NULL,
    invoke_id      TEXT,
    origin         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL
) STRICT;

INSERT INTO new_builds
SELECT row_number() OVER (ORDER BY id), id, product_id, version_id, status, invoke_id,
    json_object(
        'source_system', json_extract(attributes, '$.source_system'),
        'invoke_id', invoke_id
    ),
    created_at, updated_at, attributes, extra_metadata
FROM builds;

DROP TABLE builds;
ALTER TABLE new_builds RENAME TO builds;
CREATE INDEX builds_by_version ON builds (version_id, position);
CREATE INDEX builds_by_product ON builds (product_id, position);

-- `position` is the order of arrival, `at` the place in the cell's order of time. What is large
-- stands last: SQLite then reads the rest without it.
CREATE TABLE new_deployments (
    position       INTEGER NOT NULL PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    status         TEXT    NOT NULL,
    gate           TEXT    NOT NULL,
    exclusive      INTEGER NOT NULL,
    invoke_id      TEXT,
    origin         TEXT    NOT NULL,
    span           TEXT,
    parts          TEXT    NOT NULL,
    deployed_by    TEXT,
    asked_by       TEXT,
    asked          TEXT,
    asks           INTEGER NOT NULL,
    refused_by     TEXT,
    ended_by       TEXT,
    overlapped     INTEGER NOT NULL,
    evidence       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    started_at     INTEGER,
    at             INTEGER NOT NULL,
    deployed_at    INTEGER,
    expires_at     INTEGER,
    lease          INTEGER NOT NULL,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL
) STRICT;

INSERT INTO new_deployments
WITH old AS (
    SELECT *,
        CASE WHEN json_valid(extra_metadata) THEN extra_metadata ELSE '{}' END AS metadata,
        CASE WHEN json_valid(attributes) THEN attributes ELSE '{}' END AS fields
    FROM deployments
), judged AS (
    SELECT *, CASE json_extract(metadata, '$.preflight_status.result')
        WHEN 'passed' THEN 'allowed'
        WHEN 'skipped' THEN 'skipped'
        WHEN 'failed' THEN 'refused'
        ELSE CASE status WHEN 'pending' THEN 'waiting' ELSE 'not_asked' END
    END AS gate
    FROM old
)
SELECT row_number() OVER (ORDER BY id), id, product_id, environment_id, version_id, status,
    CASE WHEN status = 'started' THEN 'allowed' ELSE gate END,
    status = 'started' AND gate <> 'skipped',
    invoke_id,
    json_object(
        'source_system', json_extract(fields, '$.source_system'),
        'invoke_id', invoke_id,
        'marks', json((
            SELECT json_group_object(key, CAST(value AS TEXT)) FROM (
                SELECT key, value FROM json_each(metadata)
                WHERE type IN ('text', 'integer') AND key IN (
                    'vi_jenkins_job_name', 'vi_rd_job_serverurl', 'vi_rd_job_project',
                    'vi_gl_pipeline_url', 'vi_gh_run_attempt', 'vi_gl_job_id',
                    'vi_circle_workflow_job_id', 'vi_bb_step_uuid', 'vi_gh_job', 'vi_gl_job_name'
                )
                UNION ALL
                SELECT key, value FROM json_each(fields) WHERE key = 'scm_repository'
            )
        ))
    ),
    NULL, '{}', deployed_by, NULL, NULL, status <> 'pending', NULL, NULL, 0, 1,
    created_at, updated_at,
    CASE WHEN status = 'started' OR gate IN ('allowed', 'skipped') THEN created_at END,
    CASE WHEN status = 'completed' THEN COALESCE(deployed_at, updated_at) ELSE updated_at END,
    deployed_at,
    CASE status
        WHEN 'started' THEN updated_at + 86400000000
        WHEN 'pending' THEN updated_at + 604800000000
    END,
    CASE status WHEN 'pending' THEN 604800000000 ELSE 86400000000 END,
    attributes, extra_metadata
FROM judged;

DROP TABLE deployments;
ALTER TABLE new_deployments RENAME TO deployments;

-- Of several in progress in one cell the newest stays.
UPDATE deployments SET status = 'aborted', ended_by = '"expiry"', exclusive = 0, expires_at = NULL
WHERE status = 'started' AND position < (
    SELECT MAX(other.position) FROM deployments other
    WHERE other.product_id = deployments.product_id
        AND other.environment_id = deployments.environment_id AND other.status = 'started'
);

CREATE INDEX deployments_by_cell ON deployments (product_id, environment_id, position);
CREATE INDEX deployments_by_version
    ON deployments (product_id, environment_id, version_id, position);
CREATE INDEX deployments_completed ON deployments (product_id, environment_id, at, position)
    WHERE status = 'completed';
CREATE INDEX deployments_expiring ON deployments (expires_at) WHERE expires_at IS NOT NULL;
CREATE UNIQUE INDEX deployments_exclusive ON deployments (product_id, environment_id)
    WHERE status = 'started' AND exclusive = 1;

INSERT INTO cells
WITH places AS (SELECT DISTINCT product_id, environment_id FROM deployments)
SELECT p.product_id, p.environment_id,
    (SELECT json_group_array(d.id) FROM deployments d
        WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id
        AND d.status = 'started'),
    (SELECT d.id FROM deployments d
        WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id
        ORDER BY d.position DESC LIMIT 1),
    (SELECT d.id FROM deployments d
        WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id
        AND d.started_at IS NOT NULL ORDER BY d.position DESC LIMIT 1),
    c.id, c.at, NULL, l.id, l.at
FROM places p
LEFT JOIN deployments c ON c.id = (SELECT d.id FROM deployments d
    WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id
    AND d.status = 'completed' ORDER BY d.at DESC, d.position DESC LIMIT 1)
LEFT JOIN deployments l ON l.id = (SELECT d.id FROM deployments d
    WHERE d.product_id = p.product_id AND d.environment_id = p.environment_id
    ORDER BY d.at DESC, d.position DESC LIMIT 1);

UPDATE cells SET previous_id = (
    SELECT d.id FROM deployments d
    WHERE d.product_id = cells.product_id AND d.environment_id = cells.environment_id
        AND d.status = 'completed'
        AND d.version_id <> (SELECT version_id FROM deployments WHERE id = cells.current_id)
    ORDER BY d.at DESC, d.position DESC LIMIT 1
);

-- The log begins after what was there before it.
INSERT INTO log (position, at, actor, kind, changes, hash)
SELECT 1 + MAX(
        (SELECT COALESCE(MAX(position), 0) FROM deployments),
        (SELECT COALESCE(MAX(position), 0) FROM builds)
    ),
    COALESCE((SELECT MAX(updated_at) FROM deployments), 0),
    'server', 'migrated', '[]', zeroblob(32);
