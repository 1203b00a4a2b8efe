//! The manifest of the app: with it, setting it up is one paste and two tokens.

use serde_json::{Value, json};

/// How Slack reaches the server.
pub enum Reached<'a> {
    /// By this address, without a slash at its end.
    At(&'a str),
    /// By a socket that the server opens.
    BySocket,
}

/// The manifest for an account.
pub fn manifest(reached: &Reached<'_>, account: &str) -> Value {
    let address = |door: &str| match reached {
        Reached::At(base) => Some(format!("{base}/slack/{door}?account={account}")),
        Reached::BySocket => None,
    };
    let mut command = json!({
        "command": "/versioner",
        "description": "What runs where, and who must say yes",
        "usage_hint": "state [product] [environment] | gate | waiting | help",
        "should_escape": false,
    });
    let mut interactivity = json!({ "is_enabled": true });
    if let (Some(commands), Some(interactions)) = (address("commands"), address("interactions")) {
        command["url"] = json!(commands);
        interactivity["request_url"] = json!(interactions);
    }
    json!({
        "_metadata": { "major_version": 2 },
        "display_information": {
            "name": "Versioner",
            "description": "Ask what runs where, hear of deployments, and say yes or no to them.",
            "background_color": "#1f2a37",
        },
        "features": {
            "bot_user": { "display_name": "Versioner", "always_online": true },
            "slash_commands": [command],
        },
        "oauth_config": {
            "scopes": {
                "bot": [
                    "commands", "chat:write", "chat:write.public", "channels:read", "groups:read",
                    // Where no answer came to a message, they tell whether it has arrived.
                    "channels:history", "groups:history",
                    "users:read", "users:read.email",
                ],
            },
        },
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": matches!(reached, Reached::BySocket),
            "token_rotation_enabled": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{Reached, manifest};

    #[test]
    fn addresses_stand_in_it_only_if_slack_uses_them() {
        let by_http = manifest(&Reached::At("https://v.example.com"), "acme");
        let command = &by_http["features"]["slash_commands"][0];
        assert_eq!(
            command["url"],
            "https://v.example.com/slack/commands?account=acme"
        );
        assert_eq!(by_http["settings"]["socket_mode_enabled"], false);
        let by_socket = manifest(&Reached::BySocket, "acme");
        assert!(!by_socket.to_string().contains("url\":"));
        assert_eq!(by_socket["settings"]["socket_mode_enabled"], true);
        for shown in [&by_http, &by_socket] {
            let about = &shown["display_information"];
            assert!(about["name"].as_str().unwrap().len() <= 35);
            assert!(about["description"].as_str().unwrap().len() <= 140);
        }
    }
}
