-- Where the accounts are: each has a schema of its own.
CREATE TABLE accounts (
    name       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_at BIGINT           NOT NULL
);
