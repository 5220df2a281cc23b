//! A walk through a workspace's list of people, in search of its admins, page by page. Slack answers few pages a minute,
//! so a walk that is held up goes on later from where it was.

use std::collections::VecDeque;

use serde_json::Value;

use super::{
    client::{CallError, Client, PATIENT},
    people,
};
use crate::domain::ids::UserId;

/// How many people Slack is asked for at once: the most that it gives, as there may be many and calls are few
/// (<https://docs.slack.dev/reference/methods/users.list>, tier 2).
const PAGE: &str = "999";
/// More pages than any organisation has.
const PAGES: usize = 2000;

/// A walk under way.
#[derive(Debug, Clone)]
pub(super) struct Walk {
    /// Those who were found.
    found: Vec<UserId>,
    /// The teams that are still to be looked through; `None` is the token's own.
    teams: VecDeque<Option<String>>,
    /// Where in an organisation's list of teams, while that is read.
    listing: Option<String>,
    /// Where in the first team's list of people.
    cursor: String,
    pages: usize,
}

impl Walk {
    /// Begins with those who are admins anyway. Slack lists an organisation's people by its teams alone.
    pub(super) fn new(workspace: &str, appointed: &[UserId]) -> Self {
        let is_org = workspace.starts_with('E');
        Self {
            found: appointed.to_vec(),
            teams: if is_org { VecDeque::new() } else { VecDeque::from([None]) },
            listing: is_org.then(String::new),
            cursor: String::new(),
            pages: 0,
        }
    }

    /// Goes on to the end, and gives everybody found. After an error it can be called again.
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
                if let Some(id) = id.filter(|id| people::read(member).is_admin && !self.found.contains(id)) {
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
