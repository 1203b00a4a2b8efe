-- The least number of steps that a server must know to work on this schema: one that knows fewer stops.
-- Steps that only add something leave it as it is.
ALTER TABLE schema_steps ADD COLUMN needs BIGINT NOT NULL DEFAULT 0;

-- `version` is another one after each change of what people have decided, by whatever way it comes. So a
-- server knows in a transaction whether what it has read of that before still holds.
CREATE TABLE policy (version TEXT COLLATE "C" NOT NULL);
INSERT INTO policy VALUES (gen_random_uuid()::text);

CREATE FUNCTION policy_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('UPDATE %I.policy SET version = gen_random_uuid()::text', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON rules
    FOR EACH STATEMENT EXECUTE FUNCTION policy_changed();
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON exemptions
    FOR EACH STATEMENT EXECUTE FUNCTION policy_changed();
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON settings
    FOR EACH STATEMENT EXECUTE FUNCTION policy_changed();
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON people
    FOR EACH STATEMENT EXECUTE FUNCTION policy_changed();
CREATE TRIGGER policy_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON identities
    FOR EACH STATEMENT EXECUTE FUNCTION policy_changed();

-- Waits for a lock, and says what stands once it is had: each statement in here sees what was committed
-- until it begins.
CREATE FUNCTION stand(lock TEXT, OUT policy TEXT, OUT needs BIGINT, OUT next BIGINT, OUT now BIGINT)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '/' || lock, 0));
    SELECT p.version, s.needs, nextval('log_position'),
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
    INTO policy, needs, next, now FROM policy p, schema_steps s;
END $$;
