//! What the description of the service says of every operation.

use serde_json::{Value, json};

/// What can be wrong with any request that needs a key.
const WITH_KEY: [(&str, &str); 6] = [
    (
        "400",
        "The request is no HTTP that this server understands, or its body no JSON",
    ),
    ("401", "There is no valid API key in it"),
    ("403", "The key may not do this"),
    ("422", "Parameters or fields are missing, wrong or unknown"),
    (
        "429",
        "The key has used up its requests, or the account its new names, for now; `Retry-After` says \
         until when",
    ),
    (
        "503",
        "The server has no room, stops, or cannot open the account; `Retry-After` says until when",
    ),
];
/// What can be wrong with a body besides.
const WITH_BODY: [(&str, &str); 3] = [
    ("408", "The body took too long"),
    ("413", "The body is too large"),
    ("415", "The body is no JSON in UTF-8"),
];
/// What can go wrong with every request.
const ALWAYS: [(&str, &str); 1] = [("500", "The server failed; its log says why")];

/// Adds the refusals that operations have in common.
pub fn complete(description: &mut Value) {
    let paths = description["paths"].as_object_mut().into_iter().flatten();
    for (_, methods) in paths {
        for (_, operation) in methods.as_object_mut().into_iter().flatten() {
            let needs_key = operation.get("security").is_none();
            let has_body = operation.get("requestBody").is_some();
            let Some(responses) = operation["responses"].as_object_mut() else {
                continue;
            };
            let common = ALWAYS
                .iter()
                .chain(WITH_KEY.iter().filter(|_| needs_key))
                .chain(WITH_BODY.iter().filter(|_| has_body));
            for (status, text) in common {
                let response = responses.entry(*status);
                response.or_insert_with(|| json!({ "description": text }));
            }
            for (status, response) in responses.iter_mut() {
                if status.as_str() >= "400" && response.get("content").is_none() {
                    let schema = json!({ "$ref": "#/components/schemas/Refused" });
                    response["content"] = json!({ "application/json": { "schema": schema } });
                }
            }
        }
    }
}
