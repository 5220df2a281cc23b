//! Workspaces and the people in them.

use serde_json::{Value, json};

use super::{State, Token};

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
    /// Whether the app's Messages tab is on. If not, direct messages fail with `messages_tab_disabled`.
    pub messages_tab: bool,
    /// Whether the app's Home tab is on. If not, `views.publish` fails with `not_enabled`.
    pub home_tab: bool,
}

impl Workspace {
    /// A workspace outside any organisation, with both of the app's tabs on.
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

/// A member of a workspace: a person, a bot, or a person of another company met through Slack Connect. The flags are
/// those of <https://docs.slack.dev/reference/objects/user-object>.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's own user object is a row of flags")]
pub struct User {
    /// User id, `U…`.
    pub id: String,
    /// Their home workspace. It differs from the app's for a person of another company.
    pub team_id: String,
    /// Other workspaces of the same organisation that they belong to. Slack's user object still names their home
    /// workspace.
    pub other_teams: Vec<String>,
    /// The user name, `alice`.
    pub name: String,
    /// The full name, `Alice Chen`.
    pub real_name: String,
    /// Their email address, which `users.lookupByEmail` finds them by.
    pub email: Option<String>,
    /// Whether they are an admin of their workspaces.
    pub is_admin: bool,
    /// Whether they are an owner of their workspaces.
    pub is_owner: bool,
    /// Whether they are an admin of their workspace's organisation.
    pub is_org_admin: bool,
    /// Whether they are a guest. True for guests of one or of several channels.
    pub is_restricted: bool,
    /// Whether they are a guest of a single channel.
    pub is_ultra_restricted: bool,
    /// A bot.
    pub is_bot: bool,
    /// Whether the app knows them although they belong elsewhere and share no channel with it, for instance because a
    /// message mentions them. People of other companies who share a channel with it don't need the flag.
    pub is_stranger: bool,
    /// Deactivated.
    pub deleted: bool,
    /// The name of their time zone. `None`: UTC.
    pub time_zone: Option<String>,
}

impl User {
    /// An ordinary member with the given names.
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

    /// The same user with an email address.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    /// The same user as a workspace admin.
    #[must_use]
    pub fn as_admin(mut self) -> Self {
        self.is_admin = true;
        self
    }

    /// The same user as a guest.
    #[must_use]
    pub fn as_guest(mut self) -> Self {
        self.is_restricted = true;
        self
    }

    /// The same user as an admin of the organisation.
    #[must_use]
    pub fn as_org_admin(mut self) -> Self {
        self.is_org_admin = true;
        self
    }

    /// The workspaces that they belong to, starting with their home workspace.
    pub(crate) fn teams(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.team_id.as_str()).chain(self.other_teams.iter().map(String::as_str))
    }

    /// The `user` of an interaction payload.
    pub(crate) fn to_payload(&self) -> Value {
        json!({ "id": self.id, "username": self.name, "name": self.name, "team_id": self.team_id })
    }
}

/// Which rights a user object describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// The rights in the workspace.
    Workspace,
    /// The rights in the organisation, which `users.info` returns for an organisation's token.
    Organisation,
}

impl State {
    /// Whether the user belongs to the workspace or organisation that the app is installed in.
    pub(crate) fn belongs_to(&self, installed_in: &str, user: &User) -> bool {
        user.teams().any(|team_id| self.covers(installed_in, team_id))
    }

    /// Whether the app shares a channel with the user.
    fn meets(&self, app: &Token, user: &User) -> bool {
        let mut channels = self.channels.values().filter(|channel| !channel.is_direct());
        channels.any(|channel| {
            channel.members.contains(&user.id)
                && channel.members.contains(&app.bot_user_id)
                && self.covers(&app.team_id, &channel.team_id)
        })
    }

    /// Whether Slack gives the app any information about this user.
    pub(crate) fn is_visible_to_app(&self, app: &Token, user: &User) -> bool {
        self.belongs_to(&app.team_id, user) || user.is_stranger || self.meets(app, user)
    }

    /// The installation that receives events about this user: one that they belong to, or else one that shares a
    /// channel with them.
    pub(crate) fn installation_of(&self, user: &User) -> Option<&Token> {
        let met = || self.tokens.values().find(|token| self.meets(token, user));
        user.teams().find_map(|team_id| self.installation(team_id)).or_else(met)
    }

    /// The user object that the app receives. It contains the email address only if the token may read it. People of
    /// other companies come without rights (<https://docs.slack.dev/apis/slack-connect/#external-members>).
    pub(crate) fn user_object(&self, app: &Token, user: &User, rights: Rights) -> Value {
        let own = self.belongs_to(&app.team_id, user);
        let mut profile = json!({
            "real_name": user.real_name,
            "display_name": user.name,
            "team": user.team_id,
            // Slack returns an empty array if there are no custom fields.
            "fields": [],
        });
        if own
            && app.scopes.contains("users:read.email")
            && let Some(email) = &user.email
        {
            profile["email"] = json!(email);
        }
        let mut object = json!({
            "id": user.id,
            "team_id": user.team_id,
            "name": user.name,
            "deleted": user.deleted,
            "is_bot": user.is_bot,
            "is_app_user": false,
            "updated": 0,
            "profile": profile,
        });
        let home = self.workspaces.get(&user.team_id);
        if let Some(enterprise_id) = home.and_then(|workspace| workspace.enterprise_id.as_ref()) {
            object["enterprise_user"] = json!({
                "id": user.id,
                "enterprise_id": enterprise_id,
                "enterprise_name": "Sandbox Group",
                "is_admin": user.is_org_admin,
                "is_owner": false,
                "teams": user.teams().collect::<Vec<_>>(),
            });
        }
        if !own {
            object["is_stranger"] = json!(!self.meets(app, user));
            return object;
        }
        // Slack omits names, time zone and rights of a deactivated user.
        if !user.deleted {
            let admin = match rights {
                Rights::Workspace => user.is_admin || user.is_owner,
                Rights::Organisation => user.is_org_admin,
            };
            object["real_name"] = json!(user.real_name);
            object["tz"] = json!(user.time_zone.as_deref().unwrap_or("Etc/UTC"));
            // The label and the offset are those of UTC, whatever the zone: the app must not use them.
            object["tz_label"] = json!("Coordinated Universal Time");
            object["tz_offset"] = json!(0);
            object["is_admin"] = json!(admin);
            object["is_owner"] = json!(rights == Rights::Workspace && user.is_owner);
            object["is_primary_owner"] = json!(false);
            object["is_restricted"] = json!(user.is_restricted || user.is_ultra_restricted);
            object["is_ultra_restricted"] = json!(user.is_ultra_restricted);
        }
        object
    }
}
