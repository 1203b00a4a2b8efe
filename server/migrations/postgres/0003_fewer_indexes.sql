-- A version is found by its name and its product in one index, whichever of them is asked for.
CREATE UNIQUE INDEX versions_by_version ON versions (version, product_id);
ALTER TABLE versions DROP CONSTRAINT versions_product_id_version_key;
DROP INDEX versions_by_name;

-- What is in progress in an environment, and the net below the lock of the cell: of those that exclude
-- each other there is one in a cell.
DROP INDEX deployments_exclusive;
DROP INDEX deployments_started;
CREATE UNIQUE INDEX deployments_started
    ON deployments (environment_id, product_id, (CASE exclusive WHEN 1 THEN '' ELSE id END))
    WHERE status = 'started';
