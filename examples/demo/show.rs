//! The page: a prompt waits on it. The terminal says where the page is, and how to connect a backend.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use sandbox::{catalog, slack::names};
use testkit::BackendKeys;

use crate::{say::say, world::World};

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
    let url = world.url();
    let BackendKeys { api_key, webhook_secret } = world.create_backend("Your backend", webhook_url).await?;
    say(&format!(
        "Countersign runs here, with its own local Slack and agent backend.

  {page}

You are Alice, and an agent is waiting for your answer. The tour on the page says what to try. Every
action of the page's panel shows the curl command that does the same.

Connect your own backend; its webhooks go to {webhook_url}:

  export COUNTERSIGN_URL={url}
  export COUNTERSIGN_API_KEY={api_key}
  export COUNTERSIGN_WEBHOOK_SECRET={webhook_secret}

For instance, in another terminal: curl -H \"Authorization: Bearer $COUNTERSIGN_API_KEY\" $COUNTERSIGN_URL/v1/approvals
The API is described at {url}/docs. Connect it before you put the demo's clock forward: webhooks are then
signed with a time ahead of your backend's clock, which refuses them.

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
