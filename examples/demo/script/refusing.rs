//! Permissions are turned off; an agent is refused; a lock holds; a request expires.

use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use sandbox::slack::{Message, names::ALICE};

use super::stage::{DemoContext, SOON, call, create_issue, ran, stopped};

/// Why Alice says no.
const REASON: &str = "Wrong repository: this belongs to storefront.";

/// Both permissions are turned off, and the next request is denied.
pub(super) async fn turned_off(
    stage: &mut DemoContext<'_>,
    first: &Message,
    second: &Message,
) -> anyhow::Result<()> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("Turned off, and denied");
    let words = "Alice clicks “Turn off” on both messages; both say so";
    teller
        .step(words, async {
            for message in [first, second] {
                stage.click(ALICE, message, "Turn off").await?;
                stage.becomes(message, |now| !now.has_button("Turn off")).await?;
            }
            Ok(())
        })
        .await?;

    let words = "The very next request asks again, in the first conversation, too";
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&scout, create_issue()?).await?;
            let prompt = stage.prompt(ALICE, waiting.approval()).await?;
            Ok((waiting, prompt))
        })
        .await?;

    let words = "Alice picks Deny with a reason… and gives one in the modal";
    teller
        .step(words, async {
            let slack = &stage.world.slack;
            stage.choose(ALICE, &prompt, "Deny with a reason…").await?;
            slack.view(ALICE).context("no modal was opened")?;
            slack.type_text(ALICE, "reason", REASON).await?;
            let delivery = slack.submit(ALICE).await?;
            ensure!(
                delivery.is_ok() && slack.view(ALICE).is_none(),
                "the modal stayed: {:?}",
                delivery.feedback
            );
            Ok(())
        })
        .await?;

    let words = "The webhook carries the reason; Scout receives it and does not run";
    teller
        .step(words, async {
            stage.received_webhook(waiting.approval(), "approval.denied").await?;
            let (status, reason) = stopped(scout.settle(&waiting, SOON).await)?;
            ensure!(status == "denied", "it is {status}");
            ensure!(reason.as_deref() == Some(REASON), "Scout heard {reason:?}");
            stage.becomes(&prompt, |message| message.all_text().contains(REASON)).await
        })
        .await?;
    Ok(())
}

/// What no admin has unlocked can only be allowed once.
pub(super) async fn locked(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("Locked");
    let words = "Scout asks to delete a repository, which is locked: the prompt says so and has no menu";
    let ask = call("github", "delete_repository", ("c-1", "Clean-up"))?;
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&scout, ask).await?;
            let prompt = stage.prompt(ALICE, waiting.approval()).await?;
            ensure!(prompt.options_of("approve_more").is_empty(), "there is a menu");
            ensure!(prompt.all_text().contains("no admin has unlocked this action"), "it does not say so");
            Ok((waiting, prompt))
        })
        .await?;
    let words = "Alice clicks Approve: this once it runs";
    teller
        .step(words, async {
            stage.click(ALICE, &prompt, "Approve").await?;
            stage.received_webhook(waiting.approval(), "approval.approved").await?;
            ran(scout.settle(&waiting, SOON).await)?;
            Ok(())
        })
        .await
}

/// A request expires without an answer.
pub(super) async fn expired(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("Expired");
    let words = "Scout asks for something that has to be answered within 10 minutes";
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&scout, create_issue()?.expiring_in(600)).await?;
            let prompt = stage.prompt(ALICE, waiting.approval()).await?;
            Ok((waiting, prompt))
        })
        .await?;
    let words = "No one answers for 10 minutes: the webhook says expired, and Scout does not run";
    teller
        .step(words, async {
            stage.world.wait_until_idle(SOON).await?;
            stage.world.clock.advance(TimeDelta::minutes(10));
            stage.received_webhook(waiting.approval(), "approval.expired").await?;
            let (status, _) = stopped(scout.settle(&waiting, SOON).await)?;
            ensure!(status == "expired", "it is {status}");
            Ok(())
        })
        .await?;
    let words = "The prompt says that it expired, and has no buttons that decide";
    let over = |message: &Message| !message.has_button("Approve") && !message.has_button("Deny");
    teller.step(words, stage.becomes(&prompt, over)).await?;
    Ok(())
}
