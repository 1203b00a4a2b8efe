-- Whether a name was taken out of a row since it was written: `hash` is that of the row as it was, and the
-- row of the erasure has a digest of it as it is.
ALTER TABLE log ADD COLUMN erased INTEGER;
