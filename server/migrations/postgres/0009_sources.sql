-- Who else tells of builds and deployments.
CREATE TABLE sources (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    definition TEXT COLLATE "C" NOT NULL
);
