//! Scans a workspace's users for its admins, page by page. Slack answers few pages a minute, so an interrupted scan
//! continues later from where it stopped.

use std::{collections::VecDeque, fmt};

use serde_json::Value;

use crate::{
    domain::ids::UserId,
    slack::web_api::{
        client::{Client, PATIENT},
        error::CallError,
        membership,
    },
};

/// A user whom the operator made an admin of one installation (`COUNTERSIGN_ADMINS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredAdmin {
    /// Slack's id of the workspace or organisation. `None`: the one of the configured token.
    installation: Option<String>,
    user: UserId,
}

impl ConfiguredAdmin {
    /// Parses `T…:U…`, `E…:U…`, or just `U…`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (installation, user) = match text.split_once(':') {
            Some((installation, user)) => (Some(installation), user),
            None => (None, text),
        };
        let plausible = |id: &str| {
            (2..=30).contains(&id.len())
                && id.starts_with(['T', 'E'])
                && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        };
        if !installation.is_none_or(plausible) {
            return None;
        }
        Some(Self { installation: installation.map(str::to_owned), user: UserId::parse(user)? })
    }

    /// The user's Slack id.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// Whether the entry names no installation.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.installation.is_none()
    }

    /// Whether the user is an admin of this installation. `home` is the installation of the configured token, once
    /// known.
    #[must_use]
    pub fn counts_in(&self, workspace: &str, home: Option<&str>) -> bool {
        self.installation.as_deref().or(home) == Some(workspace)
    }
}

impl fmt::Display for ConfiguredAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.installation {
            Some(installation) => write!(f, "{installation}:{}", self.user),
            None => self.user.fmt(f),
        }
    }
}

/// Users per page: the most that Slack returns. Workspaces may have many users, and calls are limited
/// (<https://docs.slack.dev/reference/methods/users.list>, tier 2).
const PAGE: &str = "999";
/// More pages than any organisation has. Ends a scan whose cursors never end.
const PAGES: usize = 2000;

/// A scan in progress.
#[derive(Debug, Clone)]
pub(super) struct AdminScan {
    /// The admins found so far.
    found: Vec<UserId>,
    /// The teams still to be scanned; `None` is the token's own.
    teams: VecDeque<Option<String>>,
    /// The cursor in an organisation's list of teams, until that is complete.
    listing: Option<String>,
    /// The cursor in the first team's list of users.
    cursor: String,
    pages: usize,
}

impl AdminScan {
    /// Starts a scan. Slack lists an organisation's users only team by team.
    pub(super) fn new(workspace: &str) -> Self {
        let is_org = workspace.starts_with('E');
        Self {
            found: Vec::new(),
            teams: if is_org { VecDeque::new() } else { VecDeque::from([None]) },
            listing: is_org.then(String::new),
            cursor: String::new(),
            pages: 0,
        }
    }

    /// Scans to the end and returns all admins. After an error, another call continues from the same page.
    pub(super) async fn finish(
        &mut self,
        client: &Client,
        workspace: &str,
    ) -> Result<Vec<UserId>, CallError> {
        while let Some(cursor) = self.listing.clone() {
            let answer = self.page(client, workspace, "auth.teams.list", &[], &cursor).await?;
            let teams = answer["teams"].as_array().into_iter().flatten();
            self.teams.extend(teams.filter_map(|team| team["id"].as_str()).map(|id| Some(id.to_owned())));
            self.listing = Some(next(&answer)).filter(|cursor| !cursor.is_empty());
        }
        while let Some(team) = self.teams.front().cloned() {
            let team = team.as_deref().map(|team| ("team_id", team));
            let cursor = self.cursor.clone();
            let answer = self.page(client, workspace, "users.list", team.as_slice(), &cursor).await?;
            for member in answer["members"].as_array().into_iter().flatten() {
                let id = member["id"].as_str().and_then(UserId::parse);
                let is_admin = membership::profile(workspace, member).is_admin;
                if let Some(id) = id.filter(|id| is_admin && !self.found.contains(id)) {
                    self.found.push(id);
                }
            }
            self.cursor = next(&answer);
            if self.cursor.is_empty() {
                self.teams.pop_front();
            }
        }
        Ok(self.found.clone())
    }

    async fn page(
        &mut self,
        client: &Client,
        workspace: &str,
        method: &str,
        more: &[(&str, &str)],
        cursor: &str,
    ) -> Result<Value, CallError> {
        if self.pages == PAGES {
            return Err(CallError::Unreachable("its list of people does not end".to_owned()));
        }
        let mut query = vec![("limit", PAGE)];
        query.extend(more);
        query.extend(Some(("cursor", cursor)).filter(|_| !cursor.is_empty()));
        let answer = client.get(workspace, method, &query, PATIENT).await?;
        self.pages += 1;
        Ok(answer)
    }
}

fn next(answer: &Value) -> String {
    answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_appointed_admin_counts_in_one_installation() {
        let counts = |text: &str, workspace: &str, home: Option<&str>| {
            ConfiguredAdmin::parse(text).unwrap().counts_in(workspace, home)
        };
        assert!(counts("T1:U1", "T1", None) && counts("E1:W1", "E1", Some("T1")));
        assert!(!counts("T1:U1", "T2", Some("T2")));
        assert!(counts("U1", "T1", Some("T1")));
        assert!(!counts("U1", "T2", Some("T1")) && !counts("U1", "T1", None));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "alice", "T1", "T1:", ":U1", "U1:T1", "T1:U1:U2", "t1:U1", "T1:alice", "C12:U1", "T1 :U1"]
        {
            assert_eq!(ConfiguredAdmin::parse(text), None, "{text}");
        }
    }
}
