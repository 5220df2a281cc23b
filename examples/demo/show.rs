//! The page: a prompt waits on it, and the terminal says what to try.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use sandbox::{catalog, slack::names};
use testkit::BackendKeys;

use crate::{
    say::say,
    world::{UNCONNECTED, World},
};

/// How long the first prompt may take.
const SOON: Duration = Duration::from_secs(20);
/// What is asked first.
const FIRST: (&str, &str) = ("github", "create_pull_request");

/// Lets an agent ask, and says where the prompt is, and how a backend at `webhook_url` is connected.
pub(crate) async fn open(world: &World, webhook_url: &str) -> anyhow::Result<()> {
    ask_first(world).await?;
    let shown =
        world.slack.wait_for_direct_message(names::ALICE, |message| message.has_button("Approve"), SOON);
    shown.await.context("the first prompt did not come")?;
    let page = format!("{}/?as={}", world.slack.origin(), names::ALICE);
    let unconnected = catalog::integration(UNCONNECTED).map_or(UNCONNECTED, |found| &found.name);
    let url = world.url();
    let BackendKeys { api_key, webhook_secret } = world.create_backend("Your backend", webhook_url).await?;
    say(&format!(
        "Countersign runs here, with its own local Slack and agent backend.

  {page}

You are Alice, and an agent waits for your answer. Try this:

  · Approve it, or open ⋯ beside Approve and let it happen without asking from now on.
  · Let the agent ask again, from the panel on the right: in the same conversation, in another,
    as another agent. The webhooks that its backend receives are listed below.
  · Turn off what you allowed: the button is on the message that you decided. Deny, with a reason.
  · Let it delete a repository: that is locked, so each request asks. Let it use {unconnected}, which
    you have not connected.
  · Type /approvals below the messages: the settings, with a toggle for each action that is unlocked.
  · Switch user with the button at the top right. Only Alice can answer Alice's requests. Ada is an admin:
    she unlocks and locks actions on the app's Home tab.

Connect your own backend; its webhooks go to {webhook_url}:

  export COUNTERSIGN_URL={url}
  export COUNTERSIGN_API_KEY={api_key}
  export COUNTERSIGN_WEBHOOK_SECRET={webhook_secret}

For instance, in another terminal: curl -H \"Authorization: Bearer $COUNTERSIGN_API_KEY\" $COUNTERSIGN_URL/v1/approvals
The API is described at {url}/docs.

Ctrl-C stops everything and leaves nothing behind.",
    ));
    Ok(())
}

/// Has the agent ask as the page's own panel does, so that the request stands on the panel, too.
async fn ask_first(world: &World) -> anyhow::Result<()> {
    let (integration, action) = FIRST;
    let call = catalog::call(integration, action).context("the catalog lacks the first call")?;
    let fields = [
        ("integration", integration),
        ("action", action),
        ("example", "0"),
        ("agent", &call.agent_id),
        ("conversation", "c-1"),
        ("user", names::ALICE),
    ];
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let post = sandbox::http::client()?
        .post(format!("{}/ask", world.slack.origin()))
        .header("content-type", "application/x-www-form-urlencoded")
        // Without it the page takes the form for a foreign site's.
        .header("hx-request", "true")
        .body(form);
    let answer = post.send().await?;
    ensure!(answer.status().is_success(), "the page answered {}", answer.status());
    Ok(())
}
