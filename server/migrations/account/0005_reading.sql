-- Lists go from the newest to the oldest, by the time of creation and then by the order of arrival,
-- which every index has at its end.
CREATE INDEX products_by_time ON products (created_at);
CREATE INDEX environments_by_time ON environments (created_at);

CREATE INDEX versions_by_time ON versions (created_at);
CREATE INDEX versions_by_product ON versions (product_id, created_at);
CREATE INDEX versions_by_name ON versions (version, created_at);
CREATE INDEX versions_by_commit ON versions (scm_sha COLLATE NOCASE) WHERE scm_sha IS NOT NULL;

DROP INDEX builds_by_product;
CREATE INDEX builds_by_time ON builds (created_at);
CREATE INDEX builds_by_product ON builds (product_id, created_at);
CREATE INDEX builds_by_status ON builds (status, created_at);

DROP INDEX deployments_by_cell;
DROP INDEX deployments_by_version;
CREATE INDEX deployments_by_time ON deployments (created_at);
CREATE INDEX deployments_by_product ON deployments (product_id, created_at);
CREATE INDEX deployments_by_environment ON deployments (environment_id, created_at);
CREATE INDEX deployments_by_cell ON deployments (product_id, environment_id, created_at);
CREATE INDEX deployments_by_status ON deployments (status, created_at);
-- A version is of one product.
CREATE INDEX deployments_by_version ON deployments (version_id, environment_id, position);

-- What was completed and what failed, for figures over a time.
CREATE INDEX deployments_finished ON deployments (at) WHERE status IN ('completed', 'failed');

CREATE INDEX log_by_kind ON log (kind);
CREATE INDEX log_by_actor ON log (actor);
CREATE INDEX log_by_subject ON log (subject) WHERE subject IS NOT NULL;

-- Deployments that a row of the log changed beside the one that it is about.
CREATE TABLE mentions (
    deployment_id TEXT    NOT NULL,
    position      INTEGER NOT NULL,
    PRIMARY KEY (deployment_id, position)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO mentions
SELECT json_extract(c.value, '$.row.id'), l.position
FROM log l, json_each(l.changes) c
WHERE json_extract(c.value, '$.change') = 'deployment'
    AND json_extract(c.value, '$.row.id') <> COALESCE(l.subject, '');
