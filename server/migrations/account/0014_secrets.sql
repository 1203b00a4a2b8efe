-- Secrets of others that the server must know in clear, such as what a webhook is signed with: encrypted
-- with a key from a file that is not in here.
CREATE TABLE secrets (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
