-- Names are kept in `identities` and nowhere else of what is about people, so that they can be erased.
CREATE TABLE people (
    id         TEXT    NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL,
    approves   TEXT    NOT NULL,
    active     INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    person_id     TEXT    NOT NULL REFERENCES people (id),
    number        INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    value         TEXT    NOT NULL,
    source_system TEXT,
    host          TEXT,
    PRIMARY KEY (person_id, number)
) STRICT, WITHOUT ROWID;

-- `definition` is the approval as the log has it. Those of before say only whose name was sent.
CREATE TABLE new_approvals (
    id             TEXT    NOT NULL PRIMARY KEY,
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    type           TEXT    NOT NULL,
    withdrawn      INTEGER NOT NULL,
    definition     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_approvals
SELECT a.id, a.version_id, a.environment_id, a.type, 0, json_object(
    'id', a.id,
    'version_id', a.version_id,
    'scm_sha', (SELECT scm_sha FROM versions v WHERE v.id = a.version_id),
    'kind', a.type,
    'verdict', 'approve',
    'environment_id', a.environment_id,
    'actor', 'name:' || a.person,
    'approved_by', a.approved_by,
    'comment', a.comment,
    'created_at', a.created_at
)
FROM approvals a;

DROP TABLE approvals;
ALTER TABLE new_approvals RENAME TO approvals;

CREATE INDEX approvals_by_version ON approvals (version_id, type, environment_id);
