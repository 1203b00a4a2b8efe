-- `definition` is the exemption as the log has it. `usable` until it is withdrawn or used up.
CREATE TABLE exemptions (
    id         TEXT    NOT NULL PRIMARY KEY,
    usable     INTEGER NOT NULL,
    definition TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX exemptions_usable ON exemptions (usable) WHERE usable = 1;
