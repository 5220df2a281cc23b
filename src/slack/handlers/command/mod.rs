//! `/approvals` (<https://docs.slack.dev/interactivity/implementing-slash-commands>). Every reply is ephemeral: only
//! the user who typed the command sees it.

use serde_json::json;

use crate::{
    domain::{
        ids::UserId,
        nearest,
        people::{ActingUser, PersonKind},
        rejection::Rejection,
        settings::Toggle,
    },
    service::{decide_together, settings, workspaces::Origin},
    slack::{
        handlers::{
            context::Context,
            interactions::delegating,
            modals,
            time_limit::{BUDGET, UseCaseError, read, within},
            unconfirmed_revocation::{Revoking, retry_until_confirmed},
        },
        inbound::{payload::Payload, response::Response},
        view::{
            controls::Screen,
            lists::{self, plain},
            message::Message,
            sentences,
        },
        web_api::error::CallError,
    },
};

/// How many similar names a reply suggests.
const OFFERED: usize = 3;

/// Handles one command before Slack's three seconds end.
pub async fn handle(context: &Context, payload: &Payload) -> Response {
    if let Ok(answer) = tokio::time::timeout(BUDGET, take(context, payload)).await {
        return answer;
    }
    tracing::error!(limit_ms = 2700, "Command timed out");
    answer(&explain(&UseCaseError::Unclear))
}

async fn take(context: &Context, payload: &Payload) -> Response {
    let user = payload.text("/user_id").and_then(UserId::parse);
    let Some((workspace, user)) = payload.workspace().zip(user) else {
        tracing::warn!("Command without a workspace or user");
        return Response::Taken;
    };
    let typed = Typed { context, payload, workspace, user };
    let text = payload.text("/text").unwrap_or_default().trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim().trim_matches('`');
    let message = match word.to_lowercase().as_str() {
        "" | "settings" => match typed.open_settings().await {
            None => return Response::Taken,
            Some(message) => Ok(message),
        },
        "delegate" => match typed.open_delegation().await {
            None => return Response::Taken,
            Some(message) => Ok(message),
        },
        "list" => typed.list().await,
        "history" => typed.history(rest).await,
        "on" => typed.set(rest, Toggle::On).await,
        "off" if rest.eq_ignore_ascii_case("all") => typed.turn_all_off().await,
        "off" => typed.set(rest, Toggle::Off).await,
        "help" => Ok(plain(lists::HELP.to_owned())),
        _ => Ok(lists::no_such_word(word)),
    };
    answer(&message.unwrap_or_else(|error| explain(&error)))
}

fn answer(message: &Message) -> Response {
    let mut body = message.to_json();
    body["response_type"] = json!("ephemeral");
    Response::Message(body)
}

fn explain(error: &UseCaseError) -> Message {
    plain(match error {
        UseCaseError::Rejected(rejection) => sentences::settings(rejection),
        UseCaseError::Repeated => sentences::REPEATED.to_owned(),
        UseCaseError::Ours => sentences::SETTINGS_TRY_AGAIN.to_owned(),
        UseCaseError::Unclear => sentences::UNCLEAR.to_owned(),
    })
}

/// A command as the user typed it.
struct Typed<'a> {
    context: &'a Context,
    payload: &'a Payload,
    workspace: &'a str,
    user: UserId,
}

impl Typed<'_> {
    /// Opens the settings modal. `Some` is the reply that says why it could not be opened.
    async fn open_settings(&self) -> Option<Message> {
        let trigger = self.payload.trigger().unwrap_or_default();
        let opened =
            modals::open_settings(self.context, self.workspace, &self.user, trigger, Screen::default()).await;
        let error = opened.err()?;
        tracing::warn!(%error, "Could not open the settings");
        Some(plain(match error {
            CallError::NoToken => sentences::settings(&Rejection::WorkspaceRemoved),
            _ => lists::NOT_OPENED.to_owned(),
        }))
    }

    /// Opens the modal in which a person delegates. `Some` is the reply that says why it could not be opened.
    async fn open_delegation(&self) -> Option<Message> {
        if let Some(refusal) = self.may_not_look().await {
            return Some(refusal);
        }
        let trigger = self.payload.trigger().unwrap_or_default();
        let error = match delegating::modal(self.context, self.workspace, &self.user).await {
            Ok(view) => modals::open(self.context, self.workspace, trigger, &view).await.err()?,
            Err(error) => return Some(explain(&error)),
        };
        if modals::is_open(&error) {
            return None;
        }
        tracing::warn!(%error, "Could not open the delegation modal");
        Some(plain(lists::NOT_OPENED.to_owned()))
    }

    /// The request that the command came with, for repeat detection and the audit.
    fn origin(&self) -> Origin<'_> {
        Origin { workspace: self.workspace, request: Some(self.payload.request()) }
    }

    async fn list(&self) -> Result<Message, UseCaseError> {
        if let Some(refusal) = self.may_not_look().await {
            return Ok(refusal);
        }
        let (service, workspace) = (&self.context.service, self.workspace);
        let page = read(settings::waiting(service, workspace, &self.user, 0)).await?;
        let groups = read(decide_together::groups(service, workspace, &self.user)).await?;
        Ok(lists::waiting(&page, &groups))
    }

    async fn history(&self, path: &str) -> Result<Message, UseCaseError> {
        if let Some(refusal) = self.may_not_look().await {
            return Ok(refusal);
        }
        let (service, workspace) = (&self.context.service, self.workspace);
        let path = Some(path).filter(|path| !path.is_empty());
        let action = match path {
            None => None,
            Some(path) => match read(settings::find_action(service, workspace, path)).await? {
                Ok(action) => Some(action),
                Err(paths) => {
                    return Ok(lists::no_such_action(path, &nearest::nearest(path, &paths, OFFERED)));
                }
            },
        };
        let page = read(settings::history(service, workspace, &self.user, action)).await?;
        let address = self.context.addresses.find(workspace).await;
        Ok(lists::history(&page, path, address.as_deref()))
    }

    async fn turn_all_off(&self) -> Result<Message, UseCaseError> {
        match within(settings::turn_all_off(&self.context.service, self.origin(), &self.user)).await {
            Err(UseCaseError::Unclear) => Ok(self.unconfirmed(Revoking::Everything)),
            count => Ok(lists::all_off(count?)),
        }
    }

    async fn set(&self, path: &str, toggle: Toggle) -> Result<Message, UseCaseError> {
        let service = &self.context.service;
        if path.is_empty() {
            return Ok(plain(lists::WHICH.to_owned()));
        }
        let action = match read(settings::find_action(service, self.workspace, path)).await? {
            Ok(action) => action,
            Err(paths) => return Ok(lists::no_such_action(path, &nearest::nearest(path, &paths, OFFERED))),
        };
        let acting_user = self.acting_user(toggle).await.map_err(UseCaseError::Rejected)?;
        let set = settings::set(service, self.origin(), &acting_user, action, toggle, None);
        let done = match within(set).await {
            Err(UseCaseError::Unclear) if toggle == Toggle::Off => {
                return Ok(self.unconfirmed(Revoking::Action(action, None)));
            }
            done => done?,
        };
        Ok(match toggle {
            Toggle::On => lists::turned_on(&done.action, done.changed),
            Toggle::Off => lists::turned_off(&done.action, done.changed),
        })
    }

    /// Tells the user that the database did not confirm the revocation in time, and keeps retrying it in the
    /// background.
    fn unconfirmed(&self, what: Revoking) -> Message {
        retry_until_confirmed(self.context, self.payload, self.workspace, &self.user, what);
        plain(sentences::UNCONFIRMED.to_owned())
    }

    /// What the user is in the workspace, as of at most a minute ago. A user whom Slack can't look up may revoke
    /// permissions, but not grant any.
    async fn acting_user(&self, toggle: Toggle) -> Result<ActingUser, Rejection> {
        match self.context.people.identify(self.workspace, &self.user).await {
            Ok((acting_user, _)) => Ok(acting_user),
            Err(_) if toggle == Toggle::Off => {
                Ok(ActingUser { user: self.user.clone(), kind: PersonKind::Unknown })
            }
            Err(rejection) => Err(rejection),
        }
    }

    /// `Some` is the reply that says why this user may not see requests.
    async fn may_not_look(&self) -> Option<Message> {
        let identified = self.context.people.identify(self.workspace, &self.user).await;
        let may = identified.and_then(|(acting_user, _)| acting_user.must_be_member());
        may.err().map(|rejection| plain(sentences::looking(&rejection)))
    }
}
