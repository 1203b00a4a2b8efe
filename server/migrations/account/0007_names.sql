-- Names are told apart by `folded` alone: what is only another name of something keeps its own, and
-- has `alias_of`. `rank` is the place in the order from development to production.
CREATE TABLE new_products (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    folded     TEXT,
    archived   INTEGER NOT NULL DEFAULT 0,
    owner      TEXT,
    alias_of   TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_products (id, name, folded, created_at)
SELECT id, name, folded, created_at FROM products;
DROP TABLE products;
ALTER TABLE new_products RENAME TO products;
CREATE UNIQUE INDEX products_folded ON products (folded);
CREATE INDEX products_by_time ON products (created_at);

CREATE TABLE new_environments (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    folded     TEXT,
    type       TEXT,
    rank       INTEGER,
    archived   INTEGER NOT NULL DEFAULT 0,
    owner      TEXT,
    alias_of   TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO new_environments (id, name, folded, created_at)
SELECT id, name, folded, created_at FROM environments;
DROP TABLE environments;
ALTER TABLE new_environments RENAME TO environments;
CREATE UNIQUE INDEX environments_folded ON environments (folded);
CREATE INDEX environments_by_time ON environments (created_at);

-- The names that a product or an environment had before.
CREATE TABLE aliases (
    kind      TEXT NOT NULL,
    folded    TEXT NOT NULL,
    name      TEXT NOT NULL,
    target_id TEXT NOT NULL,
    PRIMARY KEY (kind, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deployments_started ON deployments (environment_id) WHERE status = 'started';
