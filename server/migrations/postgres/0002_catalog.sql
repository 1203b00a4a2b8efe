-- The least number of steps that a server must know to work on this schema: one that knows fewer stops.
-- Steps that only add something leave it as it is.
ALTER TABLE schema_steps ADD COLUMN needs BIGINT NOT NULL DEFAULT 0;
