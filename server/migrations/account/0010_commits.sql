-- A commit is looked for in lower case.
DROP INDEX versions_by_commit;
CREATE INDEX versions_by_commit ON versions (lower(scm_sha)) WHERE scm_sha IS NOT NULL;
