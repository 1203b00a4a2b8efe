-- `scopes` are words with blanks between them. `products` and `environments` are JSON lists of what
-- the key may tell of; empty for all.
ALTER TABLE keys ADD COLUMN name TEXT;
ALTER TABLE keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE keys ADD COLUMN products TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN environments TEXT NOT NULL DEFAULT '[]';
ALTER TABLE keys ADD COLUMN expires_at INTEGER;
ALTER TABLE keys ADD COLUMN last_used_at INTEGER;
-- A key of before could do everything; it still can, until somebody narrows it.
ALTER TABLE keys ADD COLUMN legacy INTEGER NOT NULL DEFAULT 0;
UPDATE keys SET scopes = 'read' WHERE read_only;
UPDATE keys SET scopes = 'events read approve rules override', legacy = 1 WHERE NOT read_only;
ALTER TABLE keys DROP COLUMN read_only;
