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

/// A member of a workspace: a person, a bot, or somebody of another company met through Slack Connect. The flags are
/// those of <https://docs.slack.dev/reference/objects/user-object>.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Slack's own user object is a row of flags")]
pub struct User {
    /// User id, `U…`.
    pub id: String,
    /// Their home workspace; another one than the app's for a person of another company.
    pub team_id: String,
    /// Further workspaces of the same organisation that they belong to. What Slack tells of them names their home
    /// workspace all the same.
    pub other_teams: Vec<String>,
    /// The short name, `alice`.
    pub name: String,
    /// The whole name, `Alice Chen`.
    pub real_name: String,
    /// Their address; `users.lookupByEmail` finds them by it.
    pub email: Option<String>,
    /// Administers their workspaces.
    pub is_admin: bool,
    /// Owns their workspaces.
    pub is_owner: bool,
    /// Administers the organisation that their workspace belongs to.
    pub is_org_admin: bool,
    /// A guest of several channels. Single-channel guests have this set too.
    pub is_restricted: bool,
    /// A guest of a single channel.
    pub is_ultra_restricted: bool,
    /// A bot.
    pub is_bot: bool,
    /// Known to the app although they belong elsewhere and share no channel with it, for instance because somebody
    /// mentioned them. People of other companies who do share a channel need no flag.
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

    /// The same as an administrator of the organisation.
    #[must_use]
    pub fn as_org_admin(mut self) -> Self {
        self.is_org_admin = true;
        self
    }

    /// The workspaces that they belong to, their home first.
    pub(crate) fn teams(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.team_id.as_str()).chain(self.other_teams.iter().map(String::as_str))
    }

    /// The `user` of an interaction payload.
    pub(crate) fn to_payload(&self) -> Value {
        json!({ "id": self.id, "username": self.name, "name": self.name, "team_id": self.team_id })
    }
}

/// Whose rights a user object tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Those in the workspace.
    Workspace,
    /// Those in the organisation, as `users.info` answers an organisation's token.
    Organisation,
}

impl State {
    /// Whether the person belongs to the workspace, or to one of the organisation, that the app is installed in.
    pub(crate) fn belongs_to(&self, installed_in: &str, user: &User) -> bool {
        user.teams().any(|team_id| self.covers(installed_in, team_id))
    }

    /// Whether the app meets the person in a channel.
    fn meets(&self, app: &Token, user: &User) -> bool {
        let mut channels = self.channels.values().filter(|channel| !channel.is_direct());
        channels.any(|channel| {
            channel.members.contains(&user.id)
                && channel.members.contains(&app.bot_user_id)
                && self.covers(&app.team_id, &channel.team_id)
        })
    }

    /// Whether Slack tells the app of this person at all.
    pub(crate) fn is_visible_to_app(&self, app: &Token, user: &User) -> bool {
        self.belongs_to(&app.team_id, user) || user.is_stranger || self.meets(app, user)
    }

    /// The installation that hears of this person: one that they belong to, or else one that meets them.
    pub(crate) fn installation_of(&self, user: &User) -> Option<&Token> {
        let met = || self.tokens.values().find(|token| self.meets(token, user));
        user.teams().find_map(|team_id| self.installation(team_id)).or_else(met)
    }

    /// The user object as the app gets it. The address is in it only where the token may read addresses. People of other
    /// companies come without rights (<https://docs.slack.dev/apis/slack-connect/#external-members>).
    pub(crate) fn user_object(&self, app: &Token, user: &User, rights: Rights) -> Value {
        let own = self.belongs_to(&app.team_id, user);
        let mut profile = json!({
            "real_name": user.real_name,
            "display_name": user.name,
            "team": user.team_id,
            // Slack's own answers hold an empty array where there are no custom fields.
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
        // A deactivated user's answer lacks names, time zone and rights.
        if !user.deleted {
            let admin = match rights {
                Rights::Workspace => user.is_admin || user.is_owner,
                Rights::Organisation => user.is_org_admin,
            };
            object["real_name"] = json!(user.real_name);
            object["tz"] = json!("Etc/UTC");
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
