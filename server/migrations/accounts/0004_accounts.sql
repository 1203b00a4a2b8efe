-- Where the accounts are. The keys are in the databases of their accounts; what is still in `keys` is
-- moved there.
CREATE TABLE accounts (
    name       TEXT    NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO accounts (name, created_at) SELECT account, MIN(created_at) FROM keys GROUP BY account;
