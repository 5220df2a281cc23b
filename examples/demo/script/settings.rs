//! Settings: an admin unlocks what was asked for, the user allows it and takes it back, the admin locks it again.

use anyhow::{Context as _, ensure};
use sandbox::{
    backend::Waiting,
    slack::{
        Gesture, Message, Press, Surface, Tab, View,
        names::{ADMIN, ALICE, SALES},
    },
};
use serde_json::Value;

use super::stage::{ALWAYS, DemoContext, SOON, call, ran};

const INTEGRATION: &str = "Postgres";
const ACTION: &str = "Run SQL";

fn run_sql(conversation: &str) -> anyhow::Result<sandbox::backend::Ask> {
    call("postgres", "execute_sql", (conversation, "Old sessions"))
}

pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    unlocked(stage).await?;
    toggled(stage).await?;
    locked(stage).await
}

/// The user asks for it, and an admin allows that it be allowed.
async fn unlocked(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let teller = stage.teller;
    teller.chapter("An admin unlocks");
    let words = "Scout asks to run SQL, which is locked; Alice clicks Request auto-approval";
    let (waiting, prompt) = teller
        .step(words, async {
            let (waiting, prompt) = asked(stage, "c-20").await?;
            ensure!(prompt.options_of("approve_more").is_empty(), "there is a menu");
            stage.click(ALICE, &prompt, "Request auto-approval").await?;
            Ok((waiting, prompt))
        })
        .await?;
    let words = "Ada, an admin, reads who asks for it, clicks Unlock… and, because SQL is destructive, chooses what \
                 people may allow: the waiting prompt has its menu now";
    teller
        .step(words, async {
            let asks = |message: &Message| message.has_button("Unlock…");
            let request = stage.world.slack.wait_for_direct_message(ADMIN, asks, SOON).await;
            stage.click(ADMIN, &request.context("Ada was not asked")?, "Unlock…").await?;
            let slack = &stage.world.slack;
            let asked = slack.wait_for_view(ADMIN, |view| view.title() == "Unlock", SOON).await;
            asked.context("Ada was not asked what people may allow")?;
            let always = Press::on(Surface::Modal, "unlocked_for").doing(Gesture::Pick("always".to_owned()));
            slack.press(ADMIN, always).await?;
            ensure!(slack.submit(ADMIN).await?.is_ok(), "the modal was refused");
            stage.becomes(&prompt, |message| !message.options_of("approve_more").is_empty()).await
        })
        .await?;
    let words = "Unlocked is not allowed: Alice still decides, and approves this once";
    teller.step(words, approved(stage, waiting, &prompt)).await
}

/// The user allows it in the settings, and takes it back there.
async fn toggled(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let (teller, scout) = (stage.teller, stage.scout.clone());
    teller.chapter("Settings");
    let words = "Alice types /approvals, opens the gear of Postgres, and turns Auto-approve always on";
    teller
        .step(words, async {
            let slack = &stage.world.slack;
            ensure!(slack.command(ALICE, SALES, "/approvals", "").await?.is_ok(), "the command failed");
            let lists = |view: &View| named(view, &format!("Settings of {INTEGRATION}")).is_some();
            let view = slack.wait_for_view(ALICE, lists, SOON).await.context("no settings")?;
            press(stage, ALICE, Surface::Modal, &view, &format!("Settings of {INTEGRATION}")).await?;
            slack.wait_for_view(ALICE, |view| toggle(view).is_some(), SOON).await.context("no toggle")?;
            switch(stage).await
        })
        .await?;
    let words = "The next SQL runs without asking, in any conversation";
    teller.step(words, stage.asks_and_runs(&scout, run_sql("c-21")?, "always")).await?;
    let words = "She turns it off again: the very next request asks, and she approves it once";
    teller
        .step(words, async {
            switch(stage).await?;
            let (waiting, prompt) = asked(stage, "c-21").await?;
            approved(stage, waiting, &prompt).await
        })
        .await?;
    let words = "She turns it on once more";
    teller.step(words, switch(stage)).await?;
    teller.step("It runs", stage.asks_and_runs(&scout, run_sql("c-22")?, "always")).await?;
    Ok(())
}

/// The admin locks it for all users.
async fn locked(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let teller = stage.teller;
    teller.chapter("The admin locks");
    let words = "Ada opens the app's Home tab, picks the actions of Postgres, and locks Run SQL";
    teller
        .step(words, async {
            let slack = &stage.world.slack;
            ensure!(slack.open_home(ADMIN, Tab::Home).await?.is_ok(), "Home could not be opened");
            let (pick, lock) = (format!("Actions of {INTEGRATION}"), format!("Lock {ACTION}"));
            let lists = |view: &View| named(view, &pick).is_some();
            let view = slack.wait_for_home(ADMIN, lists, SOON).await.context("no administration")?;
            press(stage, ADMIN, Surface::Home, &view, &pick).await?;
            let lists = |view: &View| named(view, &lock).is_some();
            let view = slack.wait_for_home(ADMIN, lists, SOON).await.context("no actions")?;
            press(stage, ADMIN, Surface::Home, &view, &lock).await
        })
        .await?;
    let words = "Alice's auto-approval has ended: she is asked, and the menu is gone";
    let (waiting, prompt) = teller
        .step(words, async {
            let (waiting, prompt) = asked(stage, "c-22").await?;
            ensure!(prompt.options_of("approve_more").is_empty(), "there is a menu");
            Ok((waiting, prompt))
        })
        .await?;
    teller.step("She approves it, this once", approved(stage, waiting, &prompt)).await
}

async fn asked(stage: &mut DemoContext<'_>, conversation: &str) -> anyhow::Result<(Waiting, Message)> {
    let scout = stage.scout.clone();
    let waiting = stage.asks(&scout, run_sql(conversation)?).await?;
    let prompt = stage.prompt(ALICE, waiting.approval()).await?;
    Ok((waiting, prompt))
}

async fn approved(stage: &DemoContext<'_>, waiting: Waiting, prompt: &Message) -> anyhow::Result<()> {
    stage.click(ALICE, prompt, "Approve").await?;
    stage.received_webhook(waiting.approval(), "approval.approved").await?;
    ran(stage.scout.settle(&waiting, SOON).await)?;
    Ok(())
}

/// Presses the button that screen readers call this.
async fn press(
    stage: &DemoContext<'_>,
    user: &str,
    surface: Surface,
    view: &View,
    name: &str,
) -> anyhow::Result<()> {
    let button = named(view, name).with_context(|| format!("there is no {name}"))?;
    let text = |key: &str| button[key].as_str().unwrap_or_default();
    let press = Press::on(surface, text("action_id")).with_value(text("value"));
    let delivery = stage.world.slack.press(user, press).await?;
    ensure!(delivery.is_ok(), "{name} was not taken: {:?}", delivery.error);
    Ok(())
}

/// Uses the toggle of the action in the open settings, and waits until it shows what was saved.
async fn switch(stage: &DemoContext<'_>) -> anyhow::Result<()> {
    let slack = &stage.world.slack;
    let view = slack.view(ALICE).context("the settings are closed")?;
    let block = toggle(&view).context("there is no toggle")?;
    let press =
        Press::on(Surface::Modal, "toggle").in_block(&block).doing(Gesture::Toggle(ALWAYS.to_owned()));
    ensure!(slack.press(ALICE, press).await?.is_ok(), "the toggle was not taken");
    // The update with the saved state puts the toggle into a block with another id.
    let drawn = |view: &View| toggle(view).is_some_and(|now| now != block);
    slack.wait_for_view(ALICE, drawn, SOON).await.context("the settings stayed as they were")?;
    Ok(())
}

/// The element that screen readers call this.
fn named(view: &View, name: &str) -> Option<Value> {
    fn find(value: &Value, name: &str) -> Option<Value> {
        match value {
            Value::Object(members) => {
                let called = members.get("accessibility_label").and_then(Value::as_str);
                // What it is of may follow: "Lock Run SQL in Postgres".
                if called.is_some_and(|called| called.starts_with(name)) {
                    return Some(value.clone());
                }
                members.values().find_map(|member| find(member, name))
            }
            Value::Array(items) => items.iter().find_map(|item| find(item, name)),
            _ => None,
        }
    }
    view.blocks().iter().find_map(|block| find(block, name))
}

/// The block in which the action's toggle stands.
fn toggle(view: &View) -> Option<String> {
    let stands = |block: &&Value| {
        block["accessory"]["action_id"] == "toggle"
            && block["text"]["text"].as_str().is_some_and(|text| text.starts_with(ACTION))
    };
    view.blocks().iter().find(stands)?["block_id"].as_str().map(str::to_owned)
}
