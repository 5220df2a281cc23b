//! The app's permissions in a workspace: each scope once, with its reason (<https://docs.slack.dev/reference/scopes>).

/// One scope of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Slack's name of it.
    pub name: &'static str,
    /// What needs it.
    pub why: &'static str,
    /// Without an optional scope only the feature in `why` stops working.
    pub optional: bool,
}

/// The bot's scopes: the fewest that suffice.
pub const SCOPES: [Scope; 6] = [
    Scope { name: "chat:write", why: "posts and updates prompts", optional: false },
    Scope {
        name: "chat:write.public",
        why: "asks in public channels that it was not invited to",
        optional: true,
    },
    Scope { name: "commands", why: "/approvals", optional: false },
    Scope { name: "files:write", why: "sends admins what they export from the audit", optional: true },
    Scope { name: "users:read", why: "tells members, guests and admins apart", optional: false },
    Scope { name: "users:read.email", why: "lets backends name people by email", optional: true },
];

/// The additional scope for finding messages whose post Slack did not confirm.
pub const FIND_LOST_PROMPTS: Scope = Scope {
    name: "metadata.message:read",
    why: "finds prompts that Slack posted without confirming it: reads the metadata of messages, not the messages",
    optional: true,
};

/// The names of all scopes.
#[must_use]
pub fn scopes(find_lost_prompts: bool) -> Vec<&'static str> {
    let more = find_lost_prompts.then_some(FIND_LOST_PROMPTS);
    SCOPES.into_iter().chain(more).map(|scope| scope.name).collect()
}

/// The names of the scopes without which the app doesn't work.
pub fn required_scopes() -> impl Iterator<Item = &'static str> {
    SCOPES.iter().filter(|scope| !scope.optional).map(|scope| scope.name)
}
