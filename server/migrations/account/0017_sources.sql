-- Who else tells of builds and deployments.
CREATE TABLE sources (
    id         TEXT NOT NULL PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;
