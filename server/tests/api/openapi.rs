//! What the service says about itself.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Client, Server};

#[test]
fn the_description_lists_every_route_and_every_route_is_there() {
    let server = Server::start();
    let nobody = Client::new(&server.client.url, "");
    let openapi = nobody.get("/openapi.json").expect(200);
    let mut listed = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} says what it does"
            );
            let method = method.to_uppercase();
            let status = nobody
                .send(&method, &path.replace("{id}", "x"), &[], b"")
                .status;
            let open =
                ["/health", "/livez", "/readyz", "/openapi.json", "/docs"].contains(&path.as_str());
            let expected = match path.as_str() {
                _ if open => 200,
                // Who sends there has no key, and x is no source.
                path if path.starts_with("/hooks/") => 404,
                _ => 401,
            };
            assert_eq!(status, expected, "{method} {path}");
            listed.insert(format!("{method} {path}"));
        }
    }
    let expected = [
        "DELETE /all-stop/",
        "DELETE /deployment-exemptions/{id}/",
        "DELETE /deployment-rules/{id}/",
        "DELETE /keys/{id}/",
        "DELETE /slack/",
        "DELETE /sources/{id}/",
        "DELETE /versions/{id}/approvals/{approval}/",
        "DELETE /webhooks/{id}/",
        "GET /all-stop/",
        "GET /audit/",
        "GET /builds/",
        "GET /builds/{id}/",
        "GET /commits/{id}/",
        "GET /compare/",
        "GET /deployment-buttons/",
        "GET /deployment-exemptions/",
        "GET /deployment-exemptions/{id}/",
        "GET /deployment-rules/",
        "GET /deployment-rules/{id}/",
        "GET /deployment-rules/{id}/waiting/",
        "GET /deployments/",
        "GET /deployments/{id}/",
        "GET /docs",
        "GET /environments/",
        "GET /environments/{id}/",
        "GET /health",
        "GET /keys/",
        "GET /keys/{id}/",
        "GET /livez",
        "GET /metrics/dora",
        "GET /openapi.json",
        "GET /people/",
        "GET /people/{id}/",
        "GET /products/",
        "GET /products/{id}/",
        "GET /products/{id}/deployment-buttons/",
        "GET /queue/",
        "GET /queue/{id}/",
        "GET /readyz",
        "GET /settings/",
        "GET /slack/",
        "GET /sources/",
        "GET /sources/{id}/",
        "GET /state/",
        "GET /versions/",
        "GET /versions/{id}/",
        "GET /versions/{id}/approvals/",
        "GET /versions/{id}/deployment-buttons/",
        "GET /webhooks/",
        "GET /webhooks/{id}/",
        "GET /webhooks/{id}/deliveries/",
        "GET /webhooks/{id}/deliveries/{delivery}/",
        "OPTIONS /hooks/{id}",
        "OPTIONS /hooks/{id}/{secret}",
        "PATCH /deployment-buttons/",
        "PATCH /deployment-rules/{id}/",
        "PATCH /environments/{id}/",
        "PATCH /keys/{id}/",
        "PATCH /people/{id}/",
        "PATCH /products/{id}/",
        "PATCH /products/{id}/deployment-buttons/",
        "PATCH /settings/",
        "PATCH /sources/{id}/",
        "PATCH /webhooks/{id}/",
        "POST /build-events/",
        "POST /deployment-events/",
        "POST /deployment-exemptions/",
        "POST /deployment-rules/",
        "POST /deployments/{id}/abort/",
        "POST /deployments/{id}/renew/",
        "POST /hooks/{id}",
        "POST /hooks/{id}/{secret}",
        "POST /keys/",
        "POST /keys/{id}/narrow/",
        "POST /keys/{id}/rotate/",
        "POST /people/",
        "POST /preflight/",
        "POST /queue/{id}/drop/",
        "POST /queue/{id}/replay/",
        "POST /slack/commands",
        "POST /slack/interactions",
        "POST /slack/test/",
        "POST /sources/",
        "POST /sources/{id}/rotate/",
        "POST /versions/{id}/approvals/",
        "POST /webhooks/",
        "POST /webhooks/{id}/deliveries/{delivery}/resend/",
        "POST /webhooks/{id}/resend/",
        "POST /webhooks/{id}/rotate/",
        "POST /webhooks/{id}/test/",
        "PUT /all-stop/",
        "PUT /slack/",
    ];
    assert_eq!(
        listed.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn the_schemas_name_the_fields_of_the_wire() {
    let server = Server::start();
    let openapi = server.client.get("/openapi.json").expect(200);
    for (name, fields) in [
        (
            "BuildEvent",
            vec![
                "product_name",
                "version",
                "status",
                "scm_sha",
                "built_by",
                "started_at",
            ],
        ),
        (
            "DeploymentEvent",
            vec![
                "environment_name",
                "deploy_url",
                "completed_at",
                "skip_preflight_checks",
                "extra_metadata",
            ],
        ),
    ] {
        let text = properties(&openapi, &openapi["components"]["schemas"][name]);
        for field in fields {
            assert!(
                text.contains(&field.to_owned()),
                "{name}.{field} in {text:?}"
            );
        }
    }
}

fn properties(openapi: &Value, schema: &Value) -> Vec<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return properties(openapi, openapi.pointer(&reference[1..]).unwrap());
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    let mut names: Vec<String> = own.map(|(name, _)| name.clone()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        names.extend(properties(openapi, part));
    }
    names
}

#[test]
fn the_page_for_people_loads_nothing_from_elsewhere() {
    let server = Server::start();
    let reply = Client::new(&server.client.url, "").get("/docs");
    assert_eq!(reply.status, 200);
    assert!(reply.headers["content-security-policy"].contains("default-src 'none'"));
    assert!(!reply.text.contains("<script") && !reply.text.contains("src="));
    for shown in [
        "POST /deployment-events/",
        "environment_name",
        "GET /state/",
        "no_deploy_window",
    ] {
        assert!(reply.text.contains(shown), "{shown}");
    }
}
