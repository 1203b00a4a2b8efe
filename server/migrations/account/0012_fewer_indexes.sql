-- Each index is a page more that an event writes. A version is found by its name and its product in one,
-- whichever of them is asked for.
CREATE TABLE new_versions (
    id         TEXT    NOT NULL PRIMARY KEY,
    product_id TEXT    NOT NULL REFERENCES products (id),
    version    TEXT    NOT NULL,
    scm_sha    TEXT,
    created_at INTEGER NOT NULL,
    pinned     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (version, product_id)
) STRICT, WITHOUT ROWID;

INSERT INTO new_versions SELECT id, product_id, version, scm_sha, created_at, pinned FROM versions;
DROP TABLE versions;
ALTER TABLE new_versions RENAME TO versions;
CREATE INDEX versions_by_time ON versions (created_at);
CREATE INDEX versions_by_product ON versions (product_id, created_at);
CREATE INDEX versions_by_commit ON versions (lower(scm_sha)) WHERE scm_sha IS NOT NULL;

-- What is in progress in an environment, and the net: of those that exclude each other there is one in
-- a cell.
DROP INDEX deployments_exclusive;
DROP INDEX deployments_started;
CREATE UNIQUE INDEX deployments_started
    ON deployments (environment_id, product_id, CASE exclusive WHEN 1 THEN '' ELSE id END)
    WHERE status = 'started';
