//! Admins search the audit, and have the result sent as a file. Rights are checked on every click.

use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    domain::{audit_search::AuditFilter, ids::UserId},
    service::search_audit,
    slack::{
        handlers::{
            context::Context,
            interactions::{
                interaction::{Interaction, Submission, changed},
                unlocking::admin,
            },
            modals,
            time_limit::{UseCaseError, read},
        },
        inbound::response::Response,
        outbound::{
            audit_file::{self, FileToSend},
            ephemeral::ReplyTo,
        },
        view::{
            audit_search::{
                self as view, ACTION, AGENT, FROM, Form, NO_FILE, NO_SCOPE, Note, TITLE, TO, TOPIC, USER,
            },
            lists::plain,
            sentences,
        },
        web_api::error::CallError,
    },
};

/// How many files this process makes at the same time: each is held in memory.
static FILES: Semaphore = Semaphore::const_new(2);

/// *Search decisions…*: asks what to search for.
pub(super) async fn open(interaction: &Interaction<'_>) -> Response {
    if let Err(error) = admin(interaction).await {
        return changed::<()>(interaction, Err(error));
    }
    interaction.show(view::form(), "the search of the audit", sentences::SETTINGS_TRY_AGAIN).await
}

/// The admin submitted the search. The result stands above it, so that they can go back and change it.
pub(super) async fn submitted(interaction: &Interaction<'_>) -> Response {
    let form = entered(interaction);
    let filter = match form.filter() {
        Ok(filter) => filter,
        Err(fault) => {
            let errors = json!({ fault.input: fault.says });
            return Response::Modal(json!({ "response_action": "errors", "errors": errors }));
        }
    };
    match page(interaction, &form, &filter).await {
        Ok(page) => {
            Response::Modal(json!({ "response_action": "push", "view": view::result(&form, &page, None) }))
        }
        Err(error) => Submission::changing(TITLE).failed(interaction, error),
    }
}

/// *Newest* or *Search further back*.
pub(super) async fn turn(interaction: &Interaction<'_>, is_further: bool) -> Response {
    let mut form = shown(interaction);
    if !is_further {
        form.next = None;
    }
    show(interaction, form, None).await
}

/// *Send me all as CSV*: makes the file in the background.
pub(super) async fn export(interaction: &Interaction<'_>) -> Response {
    let form = Form { next: None, ..shown(interaction) };
    let (admin, filter) = match (admin(interaction).await, form.filter()) {
        (Ok(admin), Ok(filter)) => (admin, filter),
        (Err(error), _) => return changed::<()>(interaction, Err(error)),
        (Ok(_), Err(_)) => return Response::Taken,
    };
    let Ok(permit) = FILES.try_acquire() else {
        return show(interaction, form, Some(Note::FilesBusy)).await;
    };
    let (context, workspace) = (interaction.context.clone(), interaction.workspace.to_owned());
    interaction.context.background.spawn(async move {
        let _permit = permit;
        make(&context, &workspace, admin, &filter).await;
    });
    show(interaction, form, Some(Note::FileComes)).await
}

async fn make(context: &Context, workspace: &str, admin: UserId, filter: &AuditFilter) {
    let says = match search_audit::file(&context.service, workspace, filter).await {
        Ok(file) => {
            let comment = view::file_comment(file.rows, file.is_cut);
            let (name, title) = ("countersign-audit.csv", "Countersign audit");
            let file = FileToSend { name, title, comment, content: file.csv };
            let http = &context.ephemeral.http;
            match audit_file::send(&context.client, http, workspace, &admin, file).await {
                Ok(()) => return,
                Err(CallError::MissingScope(_)) => NO_SCOPE,
                Err(error) => {
                    tracing::warn!(%error, "Could not send a file of the audit");
                    NO_FILE
                }
            }
        }
        Err(failure) => {
            tracing::error!(%failure, "Could not make a file of the audit");
            NO_FILE
        }
    };
    let to = ReplyTo::DirectMessage { workspace: workspace.to_owned(), user: admin };
    context.ephemeral.send(to, plain(says.to_owned()));
}

/// What the admin entered.
fn entered(interaction: &Interaction<'_>) -> Form {
    let text = |id: &str, member: &str| {
        let written = interaction.payload.text(&format!("/view/state/values/{id}/{id}/{member}"));
        written.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let date = |id: &str| text(id, "selected_date").and_then(|date| date.parse().ok());
    Form {
        user: text(USER, "selected_user"),
        action: text(ACTION, "value"),
        agent: text(AGENT, "value"),
        topic: text(TOPIC, "selected_option/value"),
        from: date(FROM),
        to: date(TO),
        next: None,
    }
}

/// What the result in which the admin clicked was rendered with.
fn shown(interaction: &Interaction<'_>) -> Form {
    Form::read(interaction.payload.text("/view/private_metadata").unwrap_or_default())
}

async fn show(interaction: &Interaction<'_>, form: Form, note: Option<Note>) -> Response {
    let Ok(filter) = form.filter() else { return Response::Taken };
    let shown = match page(interaction, &form, &filter).await {
        Ok(page) => view::result(&form, &page, note),
        Err(error) => return changed::<()>(interaction, Err(error)),
    };
    let view_id = interaction.payload.text("/view/id").unwrap_or_default();
    let hash = interaction.payload.text("/view/hash");
    let updated = modals::update(interaction.context, interaction.workspace, view_id, hash, &shown).await;
    if let Err(error) = updated {
        tracing::warn!(%error, "Could not show a page of the audit");
    }
    Response::Taken
}

/// A page, if the user who clicked is an admin now.
async fn page(
    interaction: &Interaction<'_>,
    form: &Form,
    filter: &AuditFilter,
) -> Result<crate::domain::audit_search::AuditPage, UseCaseError> {
    admin(interaction).await?;
    let (service, workspace) = (&interaction.context.service, interaction.workspace);
    read(search_audit::page(service, workspace, filter, form.next.as_deref())).await
}
