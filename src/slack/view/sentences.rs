//! The sentences of ephemeral replies: why a click changed nothing, and what to do. Slack reads them as mrkdwn.

use super::paused;
use crate::domain::{
    audit::Actor,
    decision::{DenialReason, GrantOutcome, Verdict},
    grants::{Scope, StandingScope},
    ids::UserId,
    panel::Answer,
    rejection::Rejection,
    unlock_answer::Resolution,
};

/// The question that *Lock* asks. `grants`: how many live grants there were when it was rendered.
pub(super) fn locking(grants: usize) -> String {
    let end = match grants {
        0 => "No one auto-approves it at the moment.".to_owned(),
        1 => "1 auto-approval ends, and unlocking the action again does not restore it.".to_owned(),
        count => format!("{count} auto-approvals end, and unlocking the action again does not restore them."),
    };
    format!("Every request for this action will ask a person. {end}")
}

/// For an internal error: the database is down, or a call failed.
pub const TRY_AGAIN: &str = "Something went wrong. Nothing was decided. Try again in a moment.";

/// For a use case that timed out: its change may have been saved.
pub const UNCLEAR: &str = "Timed out: Countersign could not confirm whether this took effect. Check again in \
    a moment.";

/// For a click on an unknown control, or in a message that this version no longer supports.
pub const UNKNOWN_CONTROL: &str =
    "This button is no longer supported. Nothing was changed. Open the Home tab of this app instead.";

/// The sentence for a refused change of settings. It mentions no request, because settings have none.
#[must_use]
pub fn settings(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Locked => {
            "No admin has unlocked this action, so it can’t be auto-approved. Nothing was changed. You can \
                request auto-approval in your settings (/approvals)."
                .to_owned()
        }
        Rejection::OnlyConversations => {
            "An admin unlocked this action for conversations only, so it can’t be auto-approved always. \
                Nothing was changed. You can auto-approve it for one conversation in the menu of a request."
                .to_owned()
        }
        Rejection::ChangedSinceUnlocked => {
            "This action’s description has changed since an admin unlocked it, so auto-approval is paused. \
                Nothing was changed. Wait until an admin confirms the change."
                .to_owned()
        }
        Rejection::NotConnected => {
            "The integration is not connected to your account, so it can’t be auto-approved. Nothing was \
                changed. Connect it first."
                .to_owned()
        }
        Rejection::WrongPerson { owner } => {
            format!("Only {} can turn off this auto-approval. Nothing was changed.", mention(owner))
        }
        Rejection::Guest => "Guests and bots can’t allow auto-approval. Nothing was changed.".to_owned(),
        Rejection::OtherWorkspace => {
            "Only members of this workspace can change settings. Nothing was changed.".to_owned()
        }
        Rejection::LookupUnavailable => {
            "Could not confirm with Slack that you are a member of this workspace. Nothing was changed. Try \
                again in a moment."
                .to_owned()
        }
        Rejection::SlackBusy(seconds) => busy("changed", *seconds),
        other => sentence(other),
    }
}

/// Why a user may not see requests.
#[must_use]
pub fn looking(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Guest => "Guests and bots can’t see requests.".to_owned(),
        Rejection::OtherWorkspace => "Requests are shown only to members of this workspace.".to_owned(),
        Rejection::LookupUnavailable => {
            "Could not confirm with Slack that you are a member of this workspace. Try again in a moment."
                .to_owned()
        }
        Rejection::SlackBusy(seconds) => {
            format!("Slack is rate limiting Countersign. Try again in {seconds} s.")
        }
        other => sentence(other),
    }
}

fn busy(verb: &str, seconds: u32) -> String {
    format!("Slack is rate limiting Countersign. Nothing was {verb}. Try again in {seconds} s.")
}

/// For an internal error in the settings.
pub const SETTINGS_TRY_AGAIN: &str = "Something went wrong. Nothing was changed. Try again in a moment.";

/// After *Turn off* in a digest.
pub const TURNED_OFF: &str = "Turned off. The next request asks you.";

/// In place of the arguments of a request, once they were deleted.
pub const CONTENTS_DELETED: &str =
    "The arguments and the reason were deleted when their retention period ended.";

/// For a revocation that the database did not confirm in time.
pub const UNCONFIRMED: &str = "Not confirmed: the database did not answer in time. Assume that nothing has changed yet. Countersign \
    keeps trying, and tells you when the change is confirmed.";

/// For the same revocation, once it is confirmed.
pub const CONFIRMED: &str = "Confirmed: your change has taken effect.";

/// For a command that arrives twice: its response was lost, or the request was replayed.
pub const REPEATED: &str = "This command has already run. Type `/approvals` to see your settings.";

/// After *Request auto-approval*, also when a user asks again.
pub const REQUESTED: &str =
    "The admins have been asked to unlock this action. You will get their answer in your direct messages.";

/// The sentence for a refusal, for the user who clicked.
#[must_use]
pub fn sentence(rejection: &Rejection) -> String {
    match rejection {
        Rejection::WrongPerson { owner } => {
            format!("Only {} can decide this request. Nothing was changed.", mention(owner))
        }
        Rejection::AlreadyEnded(approval) => match &approval.decision {
            Some(decision) => format!(
                "This request has already ended, so nothing was changed. {}",
                ended(&decision.verdict)
            ),
            None => "This request has already ended, so nothing was changed.".to_owned(),
        },
        Rejection::AlreadyAnswered(answered) => {
            let by = answered.by.as_ref().map(|user| format!(" by {}", mention(user))).unwrap_or_default();
            match answered.answer {
                Resolution::Unlocked => format!("This action was already unlocked{by}. Nothing was changed."),
                Resolution::Declined => {
                    format!("This request was already declined{by}. Nothing was changed.")
                }
                Resolution::Retired => {
                    "This request was closed: the integration no longer has this action. Nothing was changed."
                        .to_owned()
                }
            }
        }
        Rejection::Paused(pause) => {
            let (what, by) = (paused::what(pause), paused::by(pause));
            format!(
                "{by} paused this {what}, so nothing that it asks can be approved. Nothing was decided. You can deny the \
                 request, or wait until an admin resumes the {what}.",
                by = if matches!(pause.by, Actor::User(_)) { by } else { "The operator".to_owned() },
            )
        }
        Rejection::SlackBusy(seconds) => busy("decided. You can still deny", *seconds),
        other => fixed(other).to_owned(),
    }
}

#[expect(clippy::too_many_lines, reason = "one sentence for each")]
const fn fixed(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Expired => {
            "This request has expired, so it was not approved. If it is still needed, have the agent ask again."
        }
        Rejection::NotApprover => {
            "A rule says who decides this request, and you are not among them. Nothing was changed."
        }
        Rejection::AnsweredBefore => "You have answered this request already. Nothing was changed.",
        Rejection::OnlyOnce => {
            "You decide this request for another person, or beside others, so you can only approve it once, as it is, or deny it. \
                Nothing was decided."
        }
        Rejection::OwnDelegate => "You can’t delegate to yourself. Choose another person.",
        Rejection::NoDelegate => {
            "Only a full member of this workspace can decide for you: no guest, no bot, and no one of another \
                company. Choose another person."
        }
        Rejection::DelegationTime => "Choose a day from today on, at most three months away.",
        Rejection::UnknownDelegation => "This delegation no longer exists. Nothing was changed.",
        Rejection::Guest => {
            "Guests and bots can’t decide requests. Nothing was changed. The agent must ask a full member instead."
        }
        Rejection::OtherWorkspace => {
            "This request belongs to another workspace, so only its members can decide it. Nothing was changed."
        }
        Rejection::NotEditable => {
            "The arguments of this request can’t be edited here. Nothing was decided. You can approve or deny the \
                request as it is."
        }
        Rejection::NotAdmin => {
            "Only an admin can do this. Nothing was changed. Ask an admin of this workspace."
        }
        Rejection::Locked => {
            "This action is locked, so it can’t be auto-approved. Nothing was decided. You can \
                still approve or deny this one request."
        }
        Rejection::OnlyConversations => {
            "An admin unlocked this action for conversations only, so it can’t be auto-approved always. \
                Nothing was decided. You can still decide this request, or auto-approve it for this conversation."
        }
        Rejection::TooManyNarrowed => {
            "You already have 10 auto-approvals with limits for this action. Nothing was decided. Turn one off in \
                /approvals, or decide this one request."
        }
        Rejection::NoLimit => {
            "An auto-approval from More options… needs a limit. Nothing was decided. Choose one, or use the menu beside \
                Approve."
        }
        Rejection::MustBeRead => {
            "This request must be read. Nothing was decided. Open Details, read the request, and then click again. \
                You can still deny it at once."
        }
        Rejection::ChangedSinceUnlocked => {
            "This action’s description has changed since an admin unlocked it, so auto-approval is paused. \
                Nothing was decided. You can still approve or deny this one request."
        }
        Rejection::ChangedSinceAsked => {
            "This action’s description has changed since this request, so it can’t be auto-approved from \
                here. Nothing was decided. You can still approve or deny this one request."
        }
        Rejection::ChangedSinceShown => {
            "This action has changed since it was shown to you. Nothing was changed. Read the new \
                description, and click again."
        }
        Rejection::NotConnected => {
            "The integration is not connected to your account, so it can’t be auto-approved. Nothing was \
                decided. You can still approve or deny this one request."
        }
        Rejection::RuleAsks => {
            "A rule of your admins asks for this each time, so it can’t be auto-approved. Nothing was decided. You \
                can still approve or deny this one request."
        }
        Rejection::BlockedByRule => {
            "A rule of your admins blocks this now, so it can’t be approved. Nothing was decided. You can deny it."
        }
        Rejection::OthersDecide => {
            "A rule of your admins now has other people decide this, so you can’t approve it. Nothing was decided. You \
                can deny it, and the agent can ask again."
        }
        Rejection::ConversationClosed => {
            "This conversation is closed, so the action can’t be auto-approved for it. Nothing was decided. You can \
                still approve or deny this one request."
        }
        Rejection::UnknownApproval | Rejection::UnknownUnlockRequest => {
            "This request no longer exists. Nothing was changed."
        }
        Rejection::UnknownBackend => "This backend no longer exists. Nothing was changed.",
        Rejection::UnknownAgent => {
            "This agent has not asked for 30 days. Nothing was changed. You can pause its backend instead."
        }
        Rejection::NotPaused => "This was resumed already. Nothing was changed.",
        Rejection::TooManyPauses => {
            "Too many agents and backends are paused. Nothing was changed. Resume some, or pause a whole backend."
        }
        Rejection::UnknownGrant => "This auto-approval is already off.",
        Rejection::UnknownIntegration => "This integration no longer exists. Nothing was changed.",
        Rejection::UnknownAction => "This action no longer exists. Nothing was changed.",
        Rejection::UnknownConversation => "This conversation no longer exists. Nothing was changed.",
        Rejection::AlreadyUnlocked => "This action is already unlocked. You can turn auto-approval on.",
        Rejection::UnknownDelivery => "This delivery no longer exists. Nothing was changed.",
        Rejection::UnknownUser => {
            "No Slack user has this email address. Nothing was changed. Check it and try again."
        }
        Rejection::LookupUnavailable => {
            "Could not confirm with Slack that you are a member of this workspace. Nothing was decided. Try \
                again in a moment. You can still deny."
        }
        Rejection::MissingScope(_) => {
            "Countersign lacks the Slack permission to look up users. Nothing was changed. Ask an admin to \
                update the app."
        }
        Rejection::WorkspaceRemoved => {
            "Countersign is no longer installed in this workspace. Nothing was changed. Ask an admin to \
                install it again."
        }
        Rejection::BackendDisabled => {
            "The backend that runs this agent has been disabled. Nothing was changed. Ask an admin of this workspace."
        }
        // Rejections of API calls. Slack users should never see them, so they read as internal errors. The first four
        // are handled above.
        Rejection::WrongPerson { .. }
        | Rejection::Paused(_)
        | Rejection::AlreadyEnded(_)
        | Rejection::AlreadyAnswered(_)
        | Rejection::NotApproved(_)
        | Rejection::StillPending(_)
        | Rejection::AlreadyReported(_)
        | Rejection::PermitUsed(..)
        | Rejection::PermitRevoked(_)
        | Rejection::PermitLapsed(_)
        | Rejection::OtherArguments(_)
        | Rejection::Unauthenticated
        | Rejection::InsufficientScope { .. }
        | Rejection::BoundKey(_)
        | Rejection::TooManyPending
        | Rejection::PolicyChanged
        | Rejection::ApproverNotMember(_)
        | Rejection::CatalogFull
        | Rejection::SlackBusy(_)
        | Rejection::NotOwner
        | Rejection::KeyReused(_) => TRY_AGAIN,
    }
}

/// The outcome of a request, in one sentence of mrkdwn.
#[must_use]
pub fn ended(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved { user, given } => {
            let how = match given {
                GrantOutcome::Once => " for this request only",
                GrantOutcome::Conversation(_) => " for this conversation",
                GrantOutcome::Always(_) => " for every conversation",
                GrantOutcome::Narrowed { scope: StandingScope::Conversation, .. } => {
                    " for this conversation, with limits"
                }
                GrantOutcome::Narrowed { scope: StandingScope::Always, .. } => {
                    " for every conversation, with limits"
                }
            };
            format!("Approved by {}{how}.", mention(user))
        }
        Verdict::ApprovedFor { user, on_behalf_of } => {
            format!("Approved by {} for {}, for this request only.", mention(user), mention(on_behalf_of))
        }
        Verdict::ApprovedTogether(together) => {
            let by: Vec<String> = together.iter().map(answered).collect();
            format!("Approved by {}, for this request only.", by.join(", "))
        }
        Verdict::ApprovedEdited { user, .. } => {
            format!("Approved with changes by {}, for this request only.", mention(user))
        }
        Verdict::AutoApproved { limits: Some(_), .. } => {
            "Approved without asking: auto-approved with limits.".to_owned()
        }
        Verdict::AutoApproved { scope: Scope::Conversation, .. } => {
            "Approved without asking: auto-approved for this conversation.".to_owned()
        }
        Verdict::AutoApproved { .. } => "Approved without asking: auto-approved always.".to_owned(),
        Verdict::Denied { user, on_behalf_of, reason } => {
            let known = reason.as_ref().and_then(DenialReason::for_reason);
            let known = known.map(|reason| format!(": {}", reason.as_str())).unwrap_or_default();
            let absent = on_behalf_of.as_ref().map(|absent| format!(" for {}", mention(absent)));
            format!("Denied by {}{}{known}.", mention(user), absent.unwrap_or_default())
        }
        Verdict::AllowedByRule => "Approved without asking, by a rule of your admins.".to_owned(),
        Verdict::BlockedByRule { .. } => "Denied by a rule of your admins.".to_owned(),
        Verdict::DeniedByPause { .. } => {
            "Denied without asking: the agent or its backend is paused.".to_owned()
        }
        Verdict::Expired => "Expired: no one answered in time.".to_owned(),
        Verdict::Cancelled => "Cancelled: the request was withdrawn.".to_owned(),
        Verdict::Abandoned { .. } => "Cancelled: the agent stopped waiting.".to_owned(),
        Verdict::Undeliverable { .. } => "Not delivered: Slack could not show the request.".to_owned(),
    }
}

/// Who answered, and for whom.
fn answered(answer: &Answer) -> String {
    let absent = answer.on_behalf_of().map(|absent| format!(" for {}", mention(absent)));
    format!("{}{}", mention(&answer.clicked_by), absent.unwrap_or_default())
}

/// A mention, made of nothing but an id.
pub(super) fn mention(user: &UserId) -> String {
    let mut mention = String::from("<@");
    mention.extend(user.as_str().chars().filter(char::is_ascii_alphanumeric));
    mention.push('>');
    mention
}
