BEGIN TRANSACTION;
CREATE TABLE answers (
    idempotency_key TEXT    NOT NULL PRIMARY KEY,
    fingerprint     BLOB    NOT NULL,
    status          INTEGER NOT NULL,
    body            TEXT    NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "answers" VALUES('old-end',X'C312B0169392FE2841A87357C8AE59279FADCD8609FB3CB5C7D92E4BEE83AAAA',200,'{"id":"01a212d5-3ad8-77ca-874e-ff74dc104930","product_id":"01a212d5-3ab6-75ec-a941-632a8ef99d2a","version_id":"01a212d5-3ab6-75ec-a941-632b8edac96b","environment_id":"01a212d5-3ad8-77ca-874e-ff73a2f1637c","status":"completed","deployed_at":"2026-11-25T13:11:33.854714Z"}',1795612293854714);
INSERT INTO "answers" VALUES('old-refused',X'A8458C5603831D09E022EA264B9BB4FFFE0952F9529B210B0DFEFE65947DA35C',428,'{"detail":{"error":"Deployment Precondition Failed","message":"Version must be deployed to staging first","code":"FLOW_VIOLATION","retry_after":null,"details":{"rule_name":"Staging first","deployment_id":"01a212d5-3d89-7792-a49a-2c6bb159af63","missing_environments":["staging"]}}}',1795612294536745);
INSERT INTO "answers" VALUES('old-start',X'35008568C2FF61D252ECF4B8B8BCC7B4E2030034E210AFD2020CDA74817CD889',200,'{"id":"01a212d5-3ad8-77ca-874e-ff74dc104930","product_id":"01a212d5-3ab6-75ec-a941-632a8ef99d2a","version_id":"01a212d5-3ab6-75ec-a941-632b8edac96b","environment_id":"01a212d5-3ad8-77ca-874e-ff73a2f1637c","status":"started","deployed_at":null,"extra_metadata":{"preflight_status":{"result":"passed","rules_evaluated":[]}}}',1795612293848073);
CREATE TABLE approvals (
    id             TEXT    NOT NULL PRIMARY KEY,
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    type           TEXT    NOT NULL,
    person         TEXT    NOT NULL,
    approved_by    TEXT    NOT NULL,
    comment        TEXT,
    created_at     INTEGER NOT NULL,
    UNIQUE (version_id, environment_id, type, person)
) STRICT, WITHOUT ROWID;
INSERT INTO "approvals" VALUES('01a212d5-3d8a-75b4-a263-c84898df4da4','01a212d5-3ab6-75ec-a941-632b8edac96b','01a212d5-3af4-7701-be4d-84d9d3ec9be9','release','ada@example.com','ada@example.com',NULL,1795612294538312);
CREATE TABLE builds (
    id             TEXT    NOT NULL PRIMARY KEY,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    status         TEXT    NOT NULL,
    invoke_id      TEXT,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "builds" VALUES('01a212d5-3ab6-75ec-a941-632cb04b0a3a','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3ab6-75ec-a941-632b8edac96b','completed','100','{"scm_sha":"4f1c2b7e9d3a5f60","built_by":"ada"}','{}',1795612293813868,1795612293813868);
INSERT INTO "builds" VALUES('01a212d5-3acc-72bd-82e0-549a0286fa28','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3acc-72bd-82e0-549914e7a6f4','started','101','{"scm_sha":"5a1c2b7e9d3a5f60"}','{}',1795612293836432,1795612293836432);
CREATE TABLE deployments (
    id             TEXT    NOT NULL PRIMARY KEY,
    product_id     TEXT    NOT NULL REFERENCES products (id),
    version_id     TEXT    NOT NULL REFERENCES versions (id),
    environment_id TEXT    NOT NULL REFERENCES environments (id),
    status         TEXT    NOT NULL,
    invoke_id      TEXT,
    deployed_by    TEXT,
    attributes     TEXT    NOT NULL,
    extra_metadata TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    deployed_at    INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "deployments" VALUES('01a212d5-3ad8-77ca-874e-ff74dc104930','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3ab6-75ec-a941-632b8edac96b','01a212d5-3ad8-77ca-874e-ff73a2f1637c','completed','100','ada','{"source_system":"github"}','{"preflight_status":{"result":"passed","rules_evaluated":[]},"ratio":1.5,"note":"first"}',1795612293848073,1795612293854714,1795612293854714);
INSERT INTO "deployments" VALUES('01a212d5-3af5-756a-a034-f83d0ae936fb','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3ab6-75ec-a941-632b8edac96b','01a212d5-3af4-7701-be4d-84d9d3ec9be9','completed','100',NULL,'{"completed_at":"2025-11-01T10:00:00Z"}','{}',1795612293876607,1795612293876607,1761991200000000);
INSERT INTO "deployments" VALUES('01a212d5-3d4f-7404-9b43-dd5240910513','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3d4f-7404-9b43-dd5112c573d7','01a212d5-3af4-7701-be4d-84d9d3ec9be9','completed',NULL,NULL,'{"completed_at":"2025-10-01T10:00:00Z"}','{}',1795612294478894,1795612294478894,1759312800000000);
INSERT INTO "deployments" VALUES('01a212d5-3d60-7543-9fa3-521a4fb06996','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3ab6-75ec-a941-632b8edac96b','01a212d5-3d60-7543-9fa3-52199c3e01bf','completed','100',NULL,'{}','{}',1795612294496357,1795612294496357,1795612294496357);
INSERT INTO "deployments" VALUES('01a212d5-3d71-7507-907b-73432863cc72','01a212d5-3d71-7507-907b-7340ca40a68f','01a212d5-3d71-7507-907b-73425e4d00d0','01a212d5-3d71-7507-907b-7341196bafa5','preflight_failed','run-1',NULL,'{}','{"preflight_status":{"result":"failed","rules_evaluated":[{"rule_name":"Concurrent Deployments","error_message":"Another deployment to prod is already in progress","status":"enabled","evaluation_result":"fail"}]}}',1795612294512843,1795612294517933,NULL);
INSERT INTO "deployments" VALUES('01a212d5-3d74-725b-a900-3acb2ffb4ad7','01a212d5-3d71-7507-907b-7340ca40a68f','01a212d5-3d74-725b-a900-3aca66ecec27','01a212d5-3d71-7507-907b-7341196bafa5','started','run-2',NULL,'{}','{"preflight_status":{"result":"passed","rules_evaluated":[]}}',1795612294516731,1795612294516731,NULL);
INSERT INTO "deployments" VALUES('01a212d5-3d77-7522-b787-73b6f9ca6ca6','01a212d5-3d71-7507-907b-7340ca40a68f','01a212d5-3d74-725b-a900-3aca66ecec27','01a212d5-3d71-7507-907b-7341196bafa5','started','run-4',NULL,'{}','{"preflight_status":{"result":"skipped","rules_evaluated":[]}}',1795612294519200,1795612294519200,NULL);
INSERT INTO "deployments" VALUES('01a212d5-3d81-768f-964a-3e2622e8e9df','01a212d5-3d71-7507-907b-7340ca40a68f','01a212d5-3d81-768f-964a-3e25ee14d9cd','01a212d5-3d71-7507-907b-7341196bafa5','pending','run-3',NULL,'{}','{}',1795612294529477,1795612294529477,NULL);
INSERT INTO "deployments" VALUES('01a212d5-3d89-7792-a49a-2c6bb159af63','01a212d5-3ab6-75ec-a941-632a8ef99d2a','01a212d5-3acc-72bd-82e0-549914e7a6f4','01a212d5-3af4-7701-be4d-84d9d3ec9be9','preflight_failed','102',NULL,'{}','{"preflight_status":{"result":"failed","rules_evaluated":[{"rule_name":"Staging first","error_message":"Version must be deployed to staging first","status":"enabled","evaluation_result":"fail"},{"rule_name":"Approval","error_message":"production deployment requires 1 release approval(s)","status":"enabled","evaluation_result":"fail"}]}}',1795612294536745,1795612294536745,NULL);
CREATE TABLE environments (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "environments" VALUES('01a212d5-3ad8-77ca-874e-ff73a2f1637c','staging',1795612293848073);
INSERT INTO "environments" VALUES('01a212d5-3af4-7701-be4d-84d9d3ec9be9','production',1795612293876607);
INSERT INTO "environments" VALUES('01a212d5-3d60-7543-9fa3-52199c3e01bf','Production',1795612294496357);
INSERT INTO "environments" VALUES('01a212d5-3d71-7507-907b-7341196bafa5','prod',1795612294512843);
CREATE TABLE products (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "products" VALUES('01a212d5-3ab6-75ec-a941-632a8ef99d2a','api',1795612293813868);
INSERT INTO "products" VALUES('01a212d5-3d71-7507-907b-7340ca40a68f','web',1795612294512843);
CREATE TABLE rules (
    id         TEXT    NOT NULL PRIMARY KEY,
    definition TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "rules" VALUES('01a212d5-3d85-745b-9a62-d8bf467262a4','{"name":"Staging first","type":"flow","status":"enabled","products":[],"environments":["production"],"config":{"required_environments":["staging"]}}',1795612294532978,1795612294532978);
INSERT INTO "rules" VALUES('01a212d5-3d86-7782-a784-77bd6669d12b','{"name":"Approval","type":"release_approval","status":"enabled","products":[],"environments":["production"],"config":{"required_approvals":1}}',1795612294534211,1795612294534211);
INSERT INTO "rules" VALUES('01a212d5-3d87-7455-93ee-cf99de3a568f','{"name":"Freeze","type":"no_deploy_window","status":"disabled","products":[],"environments":["production"],"config":{"recurrence":"weekly","timezone":"Europe/Berlin","days":["friday"],"start_time":"15:00:00","end_time":"18:00:00"}}',1795612294535575,1795612294535575);
CREATE TABLE versions (
    id         TEXT    NOT NULL PRIMARY KEY,
    product_id TEXT    NOT NULL REFERENCES products (id),
    version    TEXT    NOT NULL,
    scm_sha    TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (product_id, version)
) STRICT, WITHOUT ROWID;
INSERT INTO "versions" VALUES('01a212d5-3ab6-75ec-a941-632b8edac96b','01a212d5-3ab6-75ec-a941-632a8ef99d2a','1.0.0','4f1c2b7e9d3a5f60',1795612293813868);
INSERT INTO "versions" VALUES('01a212d5-3acc-72bd-82e0-549914e7a6f4','01a212d5-3ab6-75ec-a941-632a8ef99d2a','1.1.0','5a1c2b7e9d3a5f60',1795612293836432);
INSERT INTO "versions" VALUES('01a212d5-3d4f-7404-9b43-dd5112c573d7','01a212d5-3ab6-75ec-a941-632a8ef99d2a','0.9.0',NULL,1795612294478894);
INSERT INTO "versions" VALUES('01a212d5-3d71-7507-907b-73425e4d00d0','01a212d5-3d71-7507-907b-7340ca40a68f','1',NULL,1795612294512843);
INSERT INTO "versions" VALUES('01a212d5-3d74-725b-a900-3aca66ecec27','01a212d5-3d71-7507-907b-7340ca40a68f','2',NULL,1795612294516731);
INSERT INTO "versions" VALUES('01a212d5-3d81-768f-964a-3e25ee14d9cd','01a212d5-3d71-7507-907b-7340ca40a68f','3',NULL,1795612294529477);
CREATE INDEX builds_open ON builds (version_id, id) WHERE status IN ('pending', 'started');
CREATE INDEX builds_by_product ON builds (product_id, id);
CREATE INDEX deployments_open
    ON deployments (product_id, environment_id, status) WHERE status IN ('pending', 'started');
CREATE INDEX deployments_completed
    ON deployments (product_id, environment_id, deployed_at, version_id)
    WHERE status = 'completed';
CREATE INDEX deployments_by_age ON deployments (product_id, environment_id, id);
COMMIT;
PRAGMA user_version = 1;
