//! The Slack app's manifest: scopes, events, commands and addresses, each once, each with its reason. `manifest.yml`
//! and `countersign manifest` are generated from here, OAuth requests these scopes, and the doctor checks them
//! (<https://docs.slack.dev/reference/app-manifest>).

use std::fmt::Write as _;

use crate::slack::{
    handlers::{events, unconfirmed_posts},
    inbound::http,
    oauth,
    outbound::metadata,
    scopes::{FIND_LOST_PROMPTS, SCOPES},
};

/// The events that the app subscribes to, each with its reason.
pub const EVENTS: [(&str, &str); 4] = [
    ("app_home_opened", "shows the Home tab when a user opens it"),
    (events::APP_UNINSTALLED, "ends pending approvals when the app is removed"),
    (events::TOKENS_REVOKED, "the same, when the app's tokens are revoked"),
    (events::USER_CHANGE, "ends the grants of a user who is deactivated or becomes a guest"),
];

/// The slash command.
pub const COMMAND: &str = "/approvals";

/// The installation that a manifest is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// The service's public address, without a slash at its end. `None` writes an example address, or none where Socket
    /// Mode makes it unnecessary.
    pub url: Option<&'a str>,
    /// Slack sends payloads over a socket and needs no address. Browsers still do if the app is installed by OAuth.
    pub socket_mode: bool,
    /// Includes [`FIND_LOST_PROMPTS`] and its event.
    pub find_lost_prompts: bool,
}

/// Stands for an unknown address.
const EXAMPLE: &str = "https://countersign.example.com";

/// The manifest as YAML. Texts are quoted as JSON strings, which YAML accepts.
#[must_use]
pub fn manifest(target: Target<'_>) -> String {
    let socket_mode = target.socket_mode;
    let url = target.url.unwrap_or(EXAMPLE);
    let browsers_come = !socket_mode || target.url.is_some();
    let mut yaml = String::new();
    let out = &mut yaml;
    line(out, 0, "# The Slack app of Countersign. Written by `countersign manifest`: change it there.");
    line(out, 0, "# Paste it at https://api.slack.com/apps under \"Create New App\", \"From a manifest\".");
    line(
        out,
        0,
        if socket_mode && browsers_come {
            "# Socket Mode: Slack sends through a connection that the service opens. Browsers use the \
                address to install the app."
        } else if socket_mode {
            "# Socket Mode: Slack sends through a connection that the service opens and needs no address. \
                OAuth needs `--url` too."
        } else {
            "# HTTP: Slack posts to the service at this address. `--url` sets yours; `--socket-mode` needs none."
        },
    );
    line(out, 0, "_metadata:");
    line(out, 1, "major_version: 2");
    line(out, 1, "minor_version: 0");
    line(out, 0, "display_information:");
    line(out, 1, "name: \"Countersign\"");
    line(out, 1, "description: \"A person's signature under what an AI agent is about to do\"");
    line(
        out,
        1,
        "long_description: \"Agents ask before they act, and the right person answers here: approve, deny, \
            or approve from now on. You see what the agent wants to do and with which arguments. You decide \
            once, for a conversation or always, and can turn it off at any time. Admins choose which actions \
            may be auto-approved. Every decision is recorded.\"",
    );
    line(out, 1, "background_color: \"#1f3d36\"");
    line(out, 0, "features:");
    line(out, 1, "app_home:");
    line(out, 2, "home_tab_enabled: true");
    line(out, 2, "# If this is off, prompts can't be posted to direct messages.");
    line(out, 2, "messages_tab_enabled: true");
    line(out, 2, "messages_tab_read_only_enabled: true");
    line(out, 1, "bot_user:");
    line(out, 2, "display_name: \"Countersign\"");
    line(out, 2, "always_online: true");
    line(out, 1, "slash_commands:");
    line(out, 2, &format!("- command: \"{COMMAND}\""));
    if !socket_mode {
        line(out, 3, &format!("url: \"{url}{}\"", http::COMMANDS));
    }
    line(out, 3, "description: \"See what is waiting for you and what you auto-approve\"");
    line(out, 3, "usage_hint: \"[list | on | off | off all | history | delegate | help]\"");
    line(out, 3, "should_escape: false");
    line(out, 0, "oauth_config:");
    if browsers_come {
        line(out, 1, "redirect_urls:");
        line(out, 2, &format!("- \"{url}{}\"", oauth::config::CALLBACK));
    }
    line(out, 1, "scopes:");
    line(out, 2, "bot:");
    for scope in SCOPES.into_iter().chain(target.find_lost_prompts.then_some(FIND_LOST_PROMPTS)) {
        let optional = if scope.optional { " (may be left out)" } else { "" };
        line(out, 3, &format!("# {}{optional}", scope.why));
        line(out, 3, &format!("- \"{}\"", scope.name));
    }
    line(out, 0, "settings:");
    line(out, 1, "event_subscriptions:");
    if !socket_mode {
        line(out, 2, &format!("request_url: \"{url}{}\"", http::EVENTS));
    }
    line(out, 2, "bot_events:");
    for (event, why) in EVENTS {
        line(out, 3, &format!("# {why}"));
        line(out, 3, &format!("- \"{event}\""));
    }
    if target.find_lost_prompts {
        let posted = unconfirmed_posts::POSTED;
        line(out, 3, "# reports where Slack posted a message without confirming it");
        line(out, 3, &format!("- \"{posted}\""));
        line(out, 2, "metadata_subscriptions:");
        line(out, 3, "# Slack sends it for every app's messages; the service accepts only its own.");
        line(out, 3, "- app_id: \"*\"");
        line(out, 4, &format!("event_type: \"{}\"", metadata::EVENT_TYPE));
    }
    line(out, 1, "interactivity:");
    line(out, 2, "is_enabled: true");
    if !socket_mode {
        line(out, 2, &format!("request_url: \"{url}{}\"", http::INTERACTIVITY));
    }
    line(out, 1, "# For an Enterprise organisation as a whole: true.");
    line(out, 1, "org_deploy_enabled: false");
    line(out, 1, &format!("socket_mode_enabled: {socket_mode}"));
    line(
        out,
        1,
        "# Slack does not let you turn it off again. Countersign works either way; rotation needs OAuth \
            installation.",
    );
    line(out, 1, "token_rotation_enabled: false");
    yaml
}

fn line(out: &mut String, depth: usize, text: &str) {
    // Writing to a String can't fail.
    let _ = writeln!(out, "{:indent$}{text}", "", indent = depth * 2);
}
