//! A person corrects what an agent would do: the corrected call is approved, and runs.

use anyhow::{Context as _, ensure};
use countersign::slack::view::editing::block_id;
use sandbox::{
    backend::digest,
    slack::{Gesture, Message, Press, Surface, names::ALICE},
};

use super::stage::{DemoContext, SOON, call, ran};

const EDIT: &str = "Edit and approve…";
const SUBJECT: &str = "Your subscription has ended";

pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let (teller, quill) = (stage.teller, stage.quill.clone());
    teller.chapter("Edited arguments");
    let ask = call("gmail", "send_email", ("c-30", "Ticket 90377"))?.editable();
    let mut corrected = ask.arguments.clone();
    corrected["subject"] = SUBJECT.into();
    let words = "Quill asks to send a mail, and would run arguments that Alice changes";
    let (waiting, prompt) = teller
        .step(words, async {
            let waiting = stage.asks(&quill, ask).await?;
            let prompt = stage.prompt(ALICE, waiting.approval()).await?;
            Ok((waiting, prompt))
        })
        .await?;
    let id = waiting.approval().to_owned();

    let words = "Alice picks “Edit and approve…”, writes another subject, and presses Approve";
    teller
        .step(words, async {
            let slack = &stage.world.slack;
            stage.choose(ALICE, &prompt, EDIT).await?;
            let modal = slack.wait_for_view(ALICE, |view| view.title() == "Edit and approve", SOON).await;
            modal.context("the modal did not open")?;
            let write = Press::on(Surface::Modal, "value").in_block(&block_id("subject"));
            slack.press(ALICE, write.doing(Gesture::Enter(SUBJECT.to_owned()))).await?;
            let submitted = slack.submit(ALICE).await?;
            ensure!(submitted.is_ok(), "the modal was refused: {:?}", submitted.feedback);
            Ok(())
        })
        .await?;

    let words = "The webhook carries the corrected arguments and their digest, for this once";
    teller
        .step(words, async {
            let event = stage.received_webhook(&id, "approval.approved").await?;
            let decision = &event.approval()["decision"];
            ensure!(decision["scope"] == "once" && decision["grant"].is_null(), "it says {decision}");
            ensure!(decision["arguments"] == corrected, "the arguments are {}", decision["arguments"]);
            let expected = digest(&corrected);
            ensure!(decision["arguments_digest"] == expected.as_str(), "the digest is not {expected}");
            Ok(())
        })
        .await?;

    let words = "Quill runs exactly these, and not what it asked for";
    teller
        .step(words, async {
            let run = ran(quill.settle(&waiting, SOON).await)?;
            ensure!(run.arguments == corrected, "it ran {}", run.arguments);
            Ok(())
        })
        .await?;

    let words = "The message names what Alice changed";
    let says = |message: &Message| message.all_text().contains(&format!("→ {SUBJECT}"));
    teller.step(words, stage.becomes(&prompt, says)).await?;
    Ok(())
}
