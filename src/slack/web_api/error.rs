//! The meaning of Slack's errors. A code is classified once, when the response is read: those in [`refusal`] are final,
//! and all others, known or unknown, are temporary.

use std::time::Duration;

use serde_json::Value;

/// Wait after a rate limit without a `Retry-After`.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// Longest wait after a rate limit, whatever `Retry-After` says.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Longest error code or scope that is kept, in bytes.
const LONGEST_NAME: usize = 64;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The method is rate limited in this workspace, for this long.
    #[error("Rate limited; retry after {} s", .0.as_secs())]
    RateLimited(Duration),
    /// Slack refused, and would refuse again.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The token lacks this scope. The call works after the scope is added and the app is installed again.
    #[error("Slack says missing_scope: add {0} in the app's OAuth & Permissions, and install the app again")]
    MissingScope(String),
    /// A temporary error with this code: any code that is not known to be final. The call may have had its effect.
    #[error("Slack says {0}")]
    Passing(String),
    /// No usable response: a server error, a timeout, an HTML page. The call may have had its effect.
    #[error("could not reach Slack: {0}")]
    Unreachable(String),
    /// There is no token for the workspace.
    #[error("the workspace has no Slack token")]
    NoToken,
    /// The token could not be read or stored.
    #[error("could not read the workspace's Slack token: {0}")]
    Unreadable(String),
    /// The token expired, and could not be replaced for a reason on this server's side. Calls work again once that is
    /// fixed.
    #[error("the workspace's Slack token expired and could not be refreshed: {0}")]
    NotReplaced(String),
}

/// A final error: one entry of the closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Slack says {code}")]
pub struct Refusal {
    /// Its meaning.
    pub reason: Reason,
    /// Slack's code.
    pub code: &'static str,
}

/// The meaning of a final error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The app was removed from the workspace.
    AppRemoved,
    /// The token is invalid or no longer valid.
    InvalidToken,
    /// The workspace has no such user, or can't see them.
    UnknownUser,
    /// The user accepts no messages from apps.
    UnreachableUser,
    /// The channel or thread accepts no messages from the app.
    Channel,
    /// The message was deleted, or can no longer be updated.
    Message,
    /// Slack rejects the content: a bug in this program.
    Content,
    /// The view no longer exists, or its trigger expired.
    View,
    /// The cursor is no longer valid.
    Cursor,
    /// The app's settings don't allow the call.
    Settings,
    /// The refresh token is invalid or no longer valid.
    RefreshToken,
    /// The authorization code is invalid or no longer valid.
    AuthorizationCode,
    /// The client id, client secret or redirect URL is not the app's.
    Client,
}

type List = &'static [(Reason, &'static [&'static str])];

/// Codes of every method that takes a bot or app token.
const TOKEN: List = &[
    (Reason::AppRemoved, &["account_inactive", "token_revoked"]),
    (Reason::InvalidToken, &["invalid_auth", "not_authed", "token_expired"]),
];
const CONTENT: &[&str] = &[
    "invalid_arguments",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_metadata_format",
    "invalid_metadata_schema",
    "metadata_must_be_sent_from_app",
    "metadata_too_large",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
];
/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
const POST: List = &[
    (Reason::UnknownUser, &["user_not_found", "user_not_visible"]),
    (Reason::UnreachableUser, &["user_disabled", "cannot_dm_bot"]),
    (
        Reason::Channel,
        &[
            "channel_not_found",
            "is_archived",
            "is_inactive",
            "not_in_channel",
            "messages_tab_disabled",
            "restricted_action",
            "restricted_action_non_threadable_channel",
            "restricted_action_read_only_channel",
            "restricted_action_thread_locked",
            "restricted_action_thread_only_channel",
            "cannot_reply_to_message",
            "invalid_thread_ts",
        ],
    ),
    (Reason::Content, CONTENT),
];
/// <https://docs.slack.dev/reference/methods/chat.update#errors>
const UPDATE: List = &[
    (
        Reason::Message,
        &[
            "message_not_found",
            "cant_update_message",
            "edit_window_closed",
            "is_archived",
            "is_inactive",
            "channel_not_found",
            "not_in_channel",
        ],
    ),
    (Reason::Content, CONTENT),
];
/// <https://docs.slack.dev/reference/methods/views.open#errors>, and the other `views` methods.
const VIEWS: List = &[
    (Reason::UnknownUser, &["user_not_found"]),
    (
        Reason::View,
        &[
            "not_found",
            "hash_conflict",
            "expired_trigger_id",
            "exchanged_trigger_id",
            "invalid_trigger_id",
            "trigger_expired",
            "trigger_exchanged",
            "push_limit_reached",
        ],
    ),
    (Reason::Settings, &["not_enabled"]),
    (
        Reason::Content,
        &[
            "duplicate_external_id",
            "invalid_arguments",
            "invalid_blocks",
            "invalid_blocks_format",
            "view_too_large",
        ],
    ),
];
/// <https://docs.slack.dev/reference/methods/users.info#errors>,
/// <https://docs.slack.dev/reference/methods/users.lookupByEmail#errors>
const USERS: List = &[(Reason::UnknownUser, &["user_not_found", "user_not_visible", "users_not_found"])];
/// <https://docs.slack.dev/reference/methods/users.list#errors>
const LISTS: List = &[(Reason::Cursor, &["invalid_cursor"])];
/// <https://docs.slack.dev/reference/methods/apps.connections.open#errors>
const SOCKETS: List = &[(Reason::Settings, &["not_allowed_token_type", "socket_mode_not_enabled"])];
/// <https://docs.slack.dev/reference/methods/oauth.v2.access#errors>
const OAUTH: List = &[
    (
        Reason::RefreshToken,
        &["invalid_refresh_token", "invalid_grant", "token_expired", "token_revoked", "account_inactive"],
    ),
    (Reason::AuthorizationCode, &["invalid_code", "code_already_used", "code_expired"]),
    (
        Reason::Client,
        &[
            "bad_client_secret",
            "bad_redirect_uri",
            "invalid_client_id",
            "invalid_grant_type",
            "invalid_redirect_uri",
            NOT_A_BOT_TOKEN,
        ],
    ),
];
/// Our own code for a token that is not a bot token.
pub(super) const NOT_A_BOT_TOKEN: &str = "not_a_bot_token";

/// Temporary codes that are counted by name. All other unlisted codes count as `other`; this has no other effect.
const PASSING: [&str; 18] = [
    "access_denied",
    "accesslimited",
    "ekm_access_denied",
    "enterprise_is_restricted",
    "external_channel_migrating",
    "fatal_error",
    "internal_error",
    "invalid_arg_name",
    "method_deprecated",
    "no_permission",
    "org_login_required",
    "request_timeout",
    "service_unavailable",
    "team_access_not_granted",
    "team_added_to_org",
    "team_not_found",
    "two_factor_setup_required",
    "update_failed",
];

/// The meaning of a method's error code if it is final; `None` if it is temporary.
#[must_use]
pub fn refusal(method: &str, code: &str) -> Option<Refusal> {
    let (own, common) = match method {
        "chat.postMessage" => (POST, TOKEN),
        "chat.update" => (UPDATE, TOKEN),
        "views.open" | "views.push" | "views.update" | "views.publish" => (VIEWS, TOKEN),
        "users.info" | "users.lookupByEmail" => (USERS, TOKEN),
        "users.list" | "auth.teams.list" => (LISTS, TOKEN),
        "apps.connections.open" => (SOCKETS, TOKEN),
        // The method takes no token, so token errors are about the refresh token.
        "oauth.v2.access" => (OAUTH, [].as_slice()),
        _ => ([].as_slice(), TOKEN),
    };
    own.iter().chain(common).find_map(|(reason, codes)| {
        codes.iter().find(|known| **known == code).map(|code| Refusal { reason: *reason, code })
    })
}

impl Refusal {
    /// Whether the error is about the token rather than the call.
    #[must_use]
    pub const fn is_about_the_token(self) -> bool {
        matches!(self.reason, Reason::AppRemoved | Reason::InvalidToken)
    }
}

impl CallError {
    /// Classifies a response with `ok: false`.
    #[must_use]
    pub fn of_answer(method: &str, answer: &Value) -> Self {
        let name = |field: &str| answer[field].as_str().filter(|name| is_a_name(name));
        match name("error") {
            Some("ratelimited" | "rate_limited") => Self::RateLimited(DEFAULT_WAIT),
            Some("missing_scope") => {
                Self::MissingScope(name("needed").unwrap_or("a scope that Slack did not name").to_owned())
            }
            Some(code) => match refusal(method, code) {
                Some(refusal) => Self::Refused(refusal),
                None => Self::Passing(code.to_owned()),
            },
            None => Self::Unreachable("the response is not from Slack".to_owned()),
        }
    }

    /// A 429, with its `Retry-After`: from 1 second to an hour.
    #[must_use]
    pub fn limited(retry_after: Option<Duration>) -> Self {
        Self::RateLimited(retry_after.unwrap_or(DEFAULT_WAIT).clamp(Duration::from_secs(1), LONGEST_WAIT))
    }

    /// No Slack user has the id or email address that was looked up, or the workspace can't see them.
    #[must_use]
    pub const fn is_unknown_user(&self) -> bool {
        matches!(self, Self::Refused(Refusal { reason: Reason::UnknownUser, .. }))
    }

    /// The workspace is moving into an organisation. Its other errors during that time are temporary too.
    #[must_use]
    pub fn is_migration(&self) -> bool {
        matches!(self, Self::Passing(code) if matches!(code.as_str(), "org_login_required" | "team_added_to_org"))
    }

    /// A label for metrics, from a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::RateLimited(_) => "ratelimited",
            Self::Refused(refusal) => refusal.code,
            Self::MissingScope(_) => "missing_scope",
            Self::Passing(code) => PASSING.iter().find(|known| *known == code).copied().unwrap_or("other"),
            Self::Unreachable(_) => "unreachable",
            Self::NoToken => "no_token",
            Self::Unreadable(_) => "token_unreadable",
            Self::NotReplaced(_) => "token_not_replaced",
        }
    }
}

/// A wait in whole seconds, rounded up: rounded down, a client would retry too early.
#[must_use]
pub fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// Whether the text can be one of Slack's error codes or scopes, or several with commas, and is safe to log and show.
fn is_a_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:.,".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_NAME && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn error_for(method: &str, code: &str) -> CallError {
        CallError::of_answer(method, &json!({ "ok": false, "error": code }))
    }

    #[test]
    fn a_code_that_is_not_listed_passes() {
        for method in ["chat.postMessage", "chat.update", "users.info", "views.publish", "oauth.v2.access"] {
            for code in PASSING.iter().chain(&["something_new", "org_login_required"]) {
                assert_eq!(
                    error_for(method, code),
                    CallError::Passing((*code).to_owned()),
                    "{method} {code}"
                );
            }
        }
    }

    #[test]
    fn a_code_means_what_its_method_says() {
        let reason = |method, code| refusal(method, code).map(|refusal| refusal.reason);
        assert_eq!(reason("chat.postMessage", "is_archived"), Some(Reason::Channel));
        assert_eq!(reason("chat.update", "is_archived"), Some(Reason::Message));
        assert_eq!(reason("users.info", "is_archived"), None);
        assert_eq!(reason("users.info", "token_revoked"), Some(Reason::AppRemoved));
        assert_eq!(reason("oauth.v2.access", "token_revoked"), Some(Reason::RefreshToken));
        assert_eq!(reason("oauth.v2.access", "invalid_auth"), None);
    }

    #[test]
    fn no_label_is_made_of_an_answer() {
        for code in ["something_new", "x\ny", "Hello", &"a".repeat(65)] {
            assert!(["other", "unreachable"].contains(&error_for("chat.update", code).label()), "{code}");
        }
        assert_eq!(error_for("chat.update", "update_failed").label(), "update_failed");
    }

    #[test]
    fn a_missing_scope_is_named() {
        let answer = json!({ "ok": false, "error": "missing_scope", "needed": "users:read.email" });
        let error = CallError::of_answer("users.lookupByEmail", &answer);
        assert_eq!(error, CallError::MissingScope("users:read.email".to_owned()));
        let forged = json!({ "ok": false, "error": "missing_scope", "needed": "<!channel>" });
        assert!(!CallError::of_answer("users.info", &forged).to_string().contains('<'));
    }

    #[test]
    fn a_wait_is_neither_nothing_nor_for_ever() {
        let seconds = |seconds| CallError::limited(Some(Duration::from_secs(seconds)));
        assert_eq!(seconds(u64::MAX), CallError::RateLimited(Duration::from_hours(1)));
        assert_eq!(seconds(0), CallError::RateLimited(Duration::from_secs(1)));
        assert_eq!(CallError::limited(None), CallError::RateLimited(Duration::from_secs(30)));
    }
}
