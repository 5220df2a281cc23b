//! What users click: parsed, passed to one use case, and answered once its transaction is committed.
//!
//! A payload proves what was clicked and who clicked. Everything else in it, such as a value or a view's
//! `private_metadata`, only names things; the use case decides whether this user may touch them.

mod action_options;
mod administration;
mod agents;
mod audit;
mod browse;
mod deciding;
pub(super) mod delegating;
mod editing;
mod everyones_grants;
mod interaction;
mod narrowing;
mod recipient;
mod review;
mod settings;
mod together;
mod unlocking;

use crate::{
    domain::{grants::Scope, notifications::Change},
    service::{
        unlock::{LockCommand, Seen},
        unlock_requests::Answer,
    },
    slack::{
        handlers::{context::Context, interactions::interaction::Interaction, time_limit::BUDGET},
        inbound::{payload::Payload, response::Response},
        view::{
            controls::{Callback, Control, Notice, Screen},
            sentences,
        },
    },
};

/// Handles one interaction before Slack's three seconds end.
pub async fn handle(context: &Context, payload: &Payload) -> Response {
    if let Ok(answer) = tokio::time::timeout(BUDGET, take(context, payload)).await {
        return answer;
    }
    tracing::error!(limit_ms = 2700, "Click timed out");
    context.reply_privately(payload, sentences::UNCLEAR.to_owned());
    Response::Failed
}

async fn take(context: &Context, payload: &Payload) -> Response {
    let (Some(workspace), Some(acting_user)) = (payload.workspace(), payload.acting_user()) else {
        tracing::warn!(kind = payload.kind(), "Interaction without a workspace or user");
        return Response::Taken;
    };
    let interaction = Interaction { context, payload, workspace, acting_user };
    match payload.kind() {
        "block_actions" => {
            let Some((action_id, value)) = payload.action() else { return Response::Taken };
            let Some(control) = Control::parse(action_id, &value) else {
                tracing::warn!(action_id, "Unknown control clicked");
                context.reply_privately(payload, sentences::UNKNOWN_CONTROL.to_owned());
                return Response::Taken;
            };
            let response = clicked(&interaction, control).await;
            if let Some(review) = review::current(&interaction).filter(|_| review::decides(control)) {
                review::follow(&interaction, review, "/view/id");
            }
            response
        }
        "view_submission" => match payload.text("/view/callback_id").and_then(Callback::parse) {
            Some(Callback::Delegate) => delegating::submitted(&interaction).await,
            Some(Callback::Deny) => deciding::submitted(&interaction).await,
            Some(Callback::Edit) => editing::submitted(&interaction).await,
            Some(Callback::Narrow) => narrowing::submitted(&interaction).await,
            Some(Callback::ApproveAll) => together::submitted(&interaction).await,
            Some(Callback::Unlock) => action_options::unlock_submitted(&interaction).await,
            Some(Callback::ActionOptions) => action_options::options_submitted(&interaction).await,
            Some(Callback::SearchAudit) => audit::submitted(&interaction).await,
            Some(Callback::UnlockReadOnly) => administration::unlock_submitted(&interaction).await,
            Some(Callback::Pause) => agents::submitted(&interaction).await,
            Some(Callback::RevokeGrant) => everyones_grants::submitted(&interaction).await,
            _ => Response::Taken,
        },
        _ => Response::Taken,
    }
}

async fn clicked(interaction: &Interaction<'_>, control: Control) -> Response {
    match control {
        Control::Approve(approval) => deciding::approve(interaction, approval, Scope::Once).await,
        Control::ApproveMore { approval, scope } => deciding::approve(interaction, approval, scope).await,
        Control::Edit(approval) => editing::open(interaction, approval).await,
        Control::Narrow(approval) => narrowing::open(interaction, approval).await,
        Control::Deny(approval) => deciding::deny(interaction, approval, None).await,
        Control::DenyMore { approval, reason: Some(reason) } => {
            deciding::deny(interaction, approval, Some(reason)).await
        }
        Control::DenyMore { approval, reason: None } => deciding::ask_why(interaction, approval).await,
        Control::ApproveAll { like, alike } => together::open(interaction, (like, alike)).await,
        Control::DenyAll { like, alike } => together::deny(interaction, (like, alike)).await,
        Control::Review(like) => review::open(interaction, like).await,
        Control::Skip(at) => review::skip(interaction, at).await,
        Control::Details(approval) => browse::open_details(interaction, approval).await,
        Control::DetailsPrevious { approval, page }
        | Control::DetailsNext { approval, page }
        | Control::DetailsJump { approval, page } => browse::turn_details(interaction, approval, page).await,
        Control::SectionPrevious { section, page } | Control::SectionNext { section, page } => {
            browse::turn_section(interaction, section, page).await
        }
        Control::Pick(integration) => browse::pick(interaction, Some(integration)).await,
        Control::PickNone => browse::pick(interaction, None).await,
        Control::EveryonesGrants => everyones_grants::open(interaction).await,
        Control::GrantsOf => everyones_grants::pick(interaction).await,
        Control::GrantsPrevious(page) | Control::GrantsNext(page) => {
            everyones_grants::turn(interaction, page).await
        }
        Control::RevokeGrant(grant) => everyones_grants::ask_why(interaction, grant).await,
        Control::SearchAudit => audit::open(interaction).await,
        Control::AuditNewest => audit::turn(interaction, false).await,
        Control::AuditFurther => audit::turn(interaction, true).await,
        Control::ExportAudit => audit::export(interaction).await,
        Control::Figures => administration::figures(interaction).await,
        Control::UnlockReadOnly(integration) => administration::unlock(interaction, integration).await,
        Control::FailingWebhooks(backend) => administration::webhooks(interaction, backend).await,
        Control::SendAgain { backend, delivery } => {
            administration::send_again(interaction, backend, delivery).await
        }
        Control::Agents => agents::open(interaction).await,
        Control::AgentsPrevious(page) | Control::AgentsNext(page) => agents::turn(interaction, page).await,
        Control::PauseAgent(agent) => agents::ask_about_agent(interaction, agent).await,
        Control::PauseBackend(backend) => agents::ask_about_backend(interaction, backend).await,
        Control::Resume(pause) => agents::resume(interaction, pause).await,
        Control::RevokeKey(key) => settings::revoke_key(interaction, key).await,
        Control::TurnOff(grant) => settings::turn_off(interaction, grant).await,
        Control::Toggle { action, toggle } => settings::toggle(interaction, action, toggle).await,
        Control::Gear(integration) => settings::open_gear(interaction, integration).await,
        Control::SettingsPrevious(screen) | Control::SettingsNext(screen) => {
            settings::show(interaction, screen)
        }
        Control::SettingsAll => settings::show(interaction, Screen::default()),
        Control::RequestUnlock(action) => unlocking::request(interaction, action).await,
        Control::GrantRequest { request, version } => {
            action_options::grant_request(interaction, request, version).await
        }
        Control::DeclineRequest(request) => unlocking::answer(interaction, request, Answer::Decline).await,
        Control::Unlock { action, version } => action_options::unlock(interaction, action, version).await,
        Control::ActionOptions { action, .. } => action_options::options(interaction, action).await,
        Control::Confirm { action, version } => {
            unlocking::set(interaction, action, (LockCommand::Confirm, Seen::Version(version))).await
        }
        Control::Lock(action) => {
            unlocking::set(interaction, action, (LockCommand::Lock, Seen::Unknown)).await
        }
        Control::Delegation => delegating::open(interaction).await,
        Control::EndDelegation(delegation) => delegating::end(interaction, delegation).await,
        Control::OpenSettings => settings::open(interaction).await,
        Control::TurnOffReported(grant) => settings::turn_off_reported(interaction, grant).await,
        Control::Notify { notice, on } => {
            let change = match notice {
                Notice::Reminders => Change::Reminders(on),
                Notice::Digest => Change::Digest(on),
            };
            settings::notify(interaction, change).await
        }
        Control::QuietFrom(from) => settings::notify(interaction, Change::QuietFrom(from)).await,
        Control::QuietUntil(until) => settings::notify(interaction, Change::QuietUntil(until)).await,
        Control::OpenConversation | Control::Connect => Response::Taken,
    }
}
