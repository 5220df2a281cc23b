//! What was allowed for a conversation holds there, and nowhere else.

use sandbox::slack::{Message, names::ALICE};

use super::stage::{ALWAYS, DemoContext, SOON, call, create_issue, ran};

/// Gives the prompt of the second conversation, decided.
pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<Message> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("For this conversation");
    let words = "Scout asks again in the conversation: approved at once, no one is asked, Scout runs it";
    teller.step(words, stage.asks_and_runs(&scout, create_issue()?, "conversation")).await?;

    let words = "A new conversation asks again: Alice gets another prompt";
    let ask = call("github", "create_issue", ("c-2", "Ticket 90211"))?;
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&scout, ask).await?;
            let prompt = stage.prompt(ALICE, waiting.approval()).await?;
            Ok((waiting, prompt))
        })
        .await?;

    let words = "Alice picks “Auto-approve always”; the webhook comes, and Scout runs it";
    teller
        .step(words, async {
            stage.choose(ALICE, &prompt, ALWAYS).await?;
            let event = stage.received_webhook(waiting.approval(), "approval.approved").await?;
            let scope = &event.approval()["decision"]["scope"];
            anyhow::ensure!(scope == "always", "the scope is {scope}");
            ran(scout.settle(&waiting, SOON).await)?;
            stage.becomes(&prompt, |message| message.has_button("Turn off")).await
        })
        .await
}
