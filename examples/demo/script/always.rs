//! A permission for always holds for every agent and backend, but only for this person.

use anyhow::ensure;
use sandbox::slack::names::BOB;

use super::stage::{DemoContext, SOON, call, ran};

pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let (teller, quill, ledger) = (stage.teller, stage.quill.clone(), stage.ledger.clone());
    teller.chapter("Always");
    let in_conversation = |id| call("github", "create_issue", (id, "Weekly report"));
    let words = "Another agent, Quill, in its own conversation: approved at once, and run";
    teller.step(words, stage.asks_and_runs(&quill, in_conversation("c-3")?, "always")).await?;
    let words = "An agent of another backend, Ledger: approved at once, and run";
    teller.step(words, stage.asks_and_runs(&ledger, in_conversation("c-4")?, "always")).await?;

    let words = "The same action for Bob asks Bob: Alice's grant covers only Alice";
    let mut ask = in_conversation("c-5")?;
    BOB.clone_into(&mut ask.user);
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&quill, ask).await?;
            let prompt = stage.prompt(BOB, waiting.approval()).await?;
            Ok((waiting, prompt))
        })
        .await?;
    let words = "Bob clicks Approve: once, and nothing is left behind";
    teller
        .step(words, async {
            stage.click(BOB, &prompt, "Approve").await?;
            let event = stage.received_webhook(waiting.approval(), "approval.approved").await?;
            let decision = &event.approval()["decision"];
            ensure!(decision["scope"] == "once" && decision["grant"].is_null(), "it says {decision}");
            ran(quill.settle(&waiting, SOON).await)?;
            Ok(())
        })
        .await
}
