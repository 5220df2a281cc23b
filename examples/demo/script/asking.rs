//! An agent asks, and a person allows it for a conversation.

use anyhow::ensure;
use sandbox::{
    backend::digest,
    slack::{Message, Surface, names::ALICE},
};

use super::stage::{CHOICES, DemoContext, FOR_THIS_CONVERSATION, SOON, create_issue, ran};

/// Gives the prompt that was decided.
pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<Message> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("An agent asks");
    let ask = create_issue()?;
    let arguments = ask.arguments.clone();
    let words = "Scout asks to create an issue in GitHub; Alice has allowed nothing, so it is pending";
    let waiting = teller.step(words, stage.asks(&scout, ask)).await?;
    let id = waiting.approval().to_owned();

    let words = "Alice gets a prompt: Approve and a menu with four choices, Deny and its menu, Details";
    let prompt = teller
        .step(words, async {
            let prompt = stage.prompt(ALICE, &id).await?;
            let choices: Vec<String> =
                prompt.options_of("approve_more").into_iter().map(|one| one.label).collect();
            ensure!(choices == CHOICES, "the menu offers {choices:?}");
            for label in ["Approve", "Deny", "Details"] {
                ensure!(prompt.has_button(label), "there is no {label}");
            }
            Ok(prompt)
        })
        .await?;

    let words = "Details shows all arguments, and the digest of exactly these";
    teller
        .step(words, async {
            stage.click(ALICE, &prompt, "Details").await?;
            let (slack, digest) = (&stage.world.slack, digest(&arguments));
            let view = slack.view(ALICE).map(|view| view.all_text()).unwrap_or_default();
            ensure!(view.contains(&digest), "the digest {digest} is not there: {view}");
            // Far below what a prompt has room for.
            ensure!(view.contains("correct the 312 orders"), "the issue's last line is not there: {view}");
            slack.close_all(ALICE).await?;
            Ok(())
        })
        .await?;

    let words = "Another user can't click it: Bob doesn't see Alice's messages";
    teller
        .step(words, async {
            let surface = Surface::message(&prompt);
            let tried = stage.world.slack.click_label(sandbox::slack::names::BOB, surface, "Approve").await;
            ensure!(tried.is_err(), "Bob could click it");
            Ok(())
        })
        .await?;

    let words = "Alice picks “Auto-approve for this conversation”";
    teller.step(words, stage.choose(ALICE, &prompt, FOR_THIS_CONVERSATION)).await?;

    let words = "A signed webhook tells Scout's backend: approved, for the conversation, with a grant";
    teller
        .step(words, async {
            let event = stage.received_webhook(&id, "approval.approved").await?;
            let decision = &event.approval()["decision"];
            ensure!(decision["scope"] == "conversation" && decision["by"] == "user", "it says {decision}");
            ensure!(decision["grant"].is_string(), "it names no grant: {decision}");
            Ok(())
        })
        .await?;

    let words = "Scout takes the permit with the digest of what it would run, and runs it";
    let run = teller
        .step(words, async {
            let run = ran(scout.settle(&waiting, SOON).await)?;
            ensure!(run.approval == id && run.digest == digest(&arguments), "it ran something else: {run:?}");
            Ok(run)
        })
        .await?;

    let words = "The permit is used: no other program can run the call";
    teller
        .step(words, async {
            let again = stage.world.backend.api().take_permit(&id, &run.digest, "").await;
            ensure!(again.status == 409, "the service answered {}: {}", again.status, again.text);
            Ok(())
        })
        .await?;

    let words = "The prompt says who decided what; “Turn off” replaces its buttons";
    let decided = |message: &Message| message.has_button("Turn off") && !message.has_button("Approve");
    teller.step(words, stage.becomes(&prompt, decided)).await?;

    let words = "Scout reports the issue that it opened; the prompt shows it, with the link";
    teller
        .step(words, async {
            let reply = scout.report(&run).await;
            ensure!(reply.status == 200, "the service answered {}: {}", reply.status, reply.text);
            stage.becomes(&prompt, |message| message.all_text().contains("Opened issue #")).await
        })
        .await
}
