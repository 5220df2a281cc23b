//! A user's membership in an installation. Every check of what a user may do or see uses this one reading of Slack's
//! user object.
//!
//! Only the user's home workspace proves membership. Flags don't: `is_stranger` is true only for people of other
//! companies who share no channel with the app. Payloads don't either: their `enterprise` is the app's, and their
//! `team` is either the app's or the user's.

use serde_json::Value;

use crate::domain::people::{PersonKind, Profile};

/// Reads a user object (<https://docs.slack.dev/reference/objects/user-object>) for the installation with this Slack
/// id, `T…` or `E…`. Missing or malformed fields only reduce rights: a missing home counts as another one, and a flag
/// that isn't `false` counts as true.
#[must_use]
pub fn profile(installation: &str, user: &Value) -> Profile {
    let is = |name: &str| user[name] == true;
    let is_not = |name: &str| user[name] == false;
    let enterprise = &user["enterprise_user"];
    let org_wide = installation.starts_with('E');
    let belongs = !installation.is_empty()
        && (user["team_id"] == installation
            || if org_wide {
                enterprise["enterprise_id"] == installation
            } else {
                // On Enterprise Grid a user has one home and may belong to several workspaces.
                enterprise["teams"]
                    .as_array()
                    .is_some_and(|teams| teams.iter().any(|team| team == installation))
            });
    let kind = if !belongs || is("is_stranger") {
        PersonKind::ExternalUser
    } else if is_not("deleted")
        && is_not("is_bot")
        && is_not("is_restricted")
        && !is("is_ultra_restricted")
        && !is("is_workflow_bot")
    {
        PersonKind::Member
    } else {
        PersonKind::Guest
    };
    // For an organisation's token, `users.info` reports rights in the organisation, but `users.list` rights in one
    // workspace. `enterprise_user` is the same in both.
    let rights = if org_wide { enterprise } else { user };
    let has_right = ["is_admin", "is_owner", "is_primary_owner"].iter().any(|name| rights[*name] == true);
    Profile { kind, is_admin: kind == PersonKind::Member && has_right }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The kind of a full member of T1 after `change` is applied to their user object.
    fn kind(installation: &str, change: &Value) -> PersonKind {
        let mut user = json!({
            "id": "U1", "team_id": "T1", "deleted": false, "is_bot": false, "is_restricted": false,
            "is_ultra_restricted": false, "is_admin": false,
        });
        for (name, value) in change.as_object().unwrap() {
            user[name] = value.clone();
        }
        profile(installation, &user).kind
    }

    #[test]
    fn the_home_workspace_makes_a_member() {
        assert_eq!(kind("T1", &json!({})), PersonKind::Member);
        assert_eq!(kind("T2", &json!({})), PersonKind::ExternalUser);
        assert_eq!(kind("T1", &json!({ "is_stranger": false, "team_id": "T2" })), PersonKind::ExternalUser);
        assert_eq!(kind("T1", &json!({ "is_stranger": true })), PersonKind::ExternalUser);
    }

    #[test]
    fn on_grid_the_workspaces_or_the_organisation_make_a_member() {
        let grid =
            json!({ "team_id": "T2", "enterprise_user": { "enterprise_id": "E1", "teams": ["T2", "T1"] } });
        for installation in ["T1", "T2", "E1"] {
            assert_eq!(kind(installation, &grid), PersonKind::Member, "{installation}");
        }
        for installation in ["T3", "E2", "E", ""] {
            assert_eq!(kind(installation, &grid), PersonKind::ExternalUser, "{installation}");
        }
    }

    #[test]
    fn whatever_is_missing_makes_no_member() {
        assert_eq!(profile("T1", &Value::Null).kind, PersonKind::ExternalUser);
        assert_eq!(profile("", &json!({ "team_id": "" })).kind, PersonKind::ExternalUser);
        assert_eq!(kind("T1", &json!({ "team_id": null })), PersonKind::ExternalUser);
        assert_eq!(kind("E1", &json!({ "enterprise_user": {} })), PersonKind::ExternalUser);
        for flag in ["deleted", "is_bot", "is_restricted"] {
            for value in [json!(null), json!(true), json!("false")] {
                assert_eq!(kind("T1", &json!({ flag: value })), PersonKind::Guest, "{flag}: {value}");
            }
        }
        assert_eq!(kind("T1", &json!({ "is_ultra_restricted": true })), PersonKind::Guest);
    }

    #[test]
    fn rights_are_those_where_the_app_is_installed() {
        let user = |workspace: bool, organisation: bool| {
            json!({
                "team_id": "T1", "deleted": false, "is_bot": false, "is_restricted": false, "is_admin": workspace,
                "enterprise_user": { "enterprise_id": "E1", "teams": ["T1"], "is_owner": organisation },
            })
        };
        assert!(profile("T1", &user(true, false)).is_admin && !profile("T1", &user(false, true)).is_admin);
        assert!(profile("E1", &user(false, true)).is_admin && !profile("E1", &user(true, false)).is_admin);
        assert!(!profile("T2", &user(true, true)).is_admin, "rights elsewhere are none here");
    }
}
