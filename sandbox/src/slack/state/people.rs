//! Workspaces and the people in them.

use serde_json::{Value, json};

/// A Slack workspace (team).
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Team id, `T…`.
    pub id: String,
    /// The name that people see.
    pub name: String,
    /// The first label of its address, `acme` in `acme.slack.com`.
    pub domain: String,
    /// The Enterprise organisation that it belongs to, `E…`, if any.
    pub enterprise_id: Option<String>,
    /// The app's Messages tab is on; off, direct messages fail with `messages_tab_disabled`.
    pub messages_tab: bool,
    /// The app's Home tab is on; off, `views.publish` fails with `not_enabled`.
    pub home_tab: bool,
}

impl Workspace {
    /// A workspace with both of the app's tabs on and outside any organisation.
    #[must_use]
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            domain: name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            enterprise_id: None,
            messages_tab: true,
            home_tab: true,
        }
    }
}

/// A member of a workspace: a person, a bot, or a stranger met through Slack Connect. The flags are those of
/// <https://docs.slack.dev/reference/objects/user-object>.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's own user object is a row of flags")]
pub struct User {
    /// User id, `U…`.
    pub id: String,
    /// The workspace that they belong to; another one than the app's for a stranger.
    pub team_id: String,
    /// The short name, `alice`.
    pub name: String,
    /// The whole name, `Alice Chen`.
    pub real_name: String,
    /// Their address; `users.lookupByEmail` finds them by it.
    pub email: Option<String>,
    /// Administers the workspace.
    pub is_admin: bool,
    /// Owns the workspace.
    pub is_owner: bool,
    /// A guest of several channels. Single-channel guests have this set too.
    pub is_restricted: bool,
    /// A guest of a single channel.
    pub is_ultra_restricted: bool,
    /// A bot.
    pub is_bot: bool,
    /// From another organisation, seen through a shared channel.
    pub is_stranger: bool,
    /// Deactivated.
    pub deleted: bool,
}

impl User {
    /// An ordinary member with the given names and nothing else.
    #[must_use]
    pub fn new(id: &str, team_id: &str, name: &str, real_name: &str) -> Self {
        Self {
            id: id.to_owned(),
            team_id: team_id.to_owned(),
            name: name.to_owned(),
            real_name: real_name.to_owned(),
            ..Self::default()
        }
    }

    /// The same with an address.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// The same as an administrator.
    #[must_use]
    pub fn as_admin(mut self) -> Self {
        self.is_admin = true;
        self
    }

    /// The same as a guest.
    #[must_use]
    pub fn as_guest(mut self) -> Self {
        self.is_restricted = true;
        self
    }

    /// What `users.info` tells of them. The address is in it only where the token may read addresses.
    pub(crate) fn to_json(&self, with_email: bool) -> Value {
        let mut profile = json!({
            "real_name": self.real_name,
            "display_name": self.name,
            "team": self.team_id,
            // Slack's own answers hold an empty array where there are no custom fields.
            "fields": [],
        });
        if with_email && let Some(email) = &self.email {
            profile["email"] = json!(email);
        }
        let mut user = json!({
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "is_bot": self.is_bot,
            "is_app_user": false,
            "updated": 0,
            "profile": profile,
        });
        if self.is_stranger {
            user["is_stranger"] = json!(true);
        }
        // A deactivated user's answer lacks names, time zone and rights.
        if !self.deleted {
            user["real_name"] = json!(self.real_name);
            user["tz"] = json!("Etc/UTC");
            user["tz_label"] = json!("Coordinated Universal Time");
            user["tz_offset"] = json!(0);
            user["is_admin"] = json!(self.is_admin || self.is_owner);
            user["is_owner"] = json!(self.is_owner);
            user["is_primary_owner"] = json!(false);
            user["is_restricted"] = json!(self.is_restricted || self.is_ultra_restricted);
            user["is_ultra_restricted"] = json!(self.is_ultra_restricted);
        }
        user
    }

    /// The `user` of an interaction payload.
    pub(crate) fn to_payload(&self) -> Value {
        json!({ "id": self.id, "username": self.name, "name": self.name, "team_id": self.team_id })
    }
}
