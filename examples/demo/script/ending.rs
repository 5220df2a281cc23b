//! The sum of it: what ran, what was sent, and what the service says of it all.

use anyhow::ensure;

use super::stage::DemoContext;

pub(super) async fn play(stage: &mut DemoContext<'_>) -> anyhow::Result<()> {
    let teller = stage.teller;
    teller.chapter("In the end");
    let asked = stage.asked.len();
    let words =
        format!("{asked} webhooks for {asked} prompts, each signed, verified and received once; no others");
    teller
        .step(&words, async {
            let heard = stage.world.backend.deliveries();
            for delivery in &heard {
                ensure!(delivery.verified.is_ok() && !delivery.repeated, "one is not right: {delivery:?}");
            }
            let mut ids: Vec<&str> = heard.iter().map(sandbox::backend::Delivery::approval_id).collect();
            let mut expected: Vec<&str> = stage.asked.iter().map(String::as_str).collect();
            ids.sort_unstable();
            expected.sort_unstable();
            ensure!(ids == expected, "webhooks came about {ids:?} instead of {expected:?}");
            let others = stage.night_jobs.deliveries().len();
            ensure!(others == 0, "the other backend, whose request was approved at once, got {others}");
            Ok(())
        })
        .await?;

    let words = "Each tool ran once for each approval, and never without one";
    teller
        .step(words, async {
            let agents = [&stage.scout, &stage.quill, &stage.ledger];
            let mut runs: Vec<String> =
                agents.iter().flat_map(|agent| agent.runs()).map(|run| run.approval).collect();
            let mut approved = Vec::new();
            for api in [stage.world.backend.api(), stage.night_jobs.api()] {
                let list = api.list(&[("status", "approved"), ("limit", "100")]).await;
                ensure!(list.is_success(), "the list is {}: {}", list.status, list.text);
                approved.extend(list.data().iter().filter_map(|one| one["id"].as_str()).map(str::to_owned));
            }
            runs.sort_unstable();
            approved.sort_unstable();
            ensure!(runs == approved, "{runs:?} ran, and {approved:?} are approved");
            Ok(())
        })
        .await?;

    let words = "The API knows how each of them ended";
    teller
        .step(words, async {
            let api = stage.world.backend.api();
            for (status, count) in [("pending", 0), ("denied", 1), ("expired", 1)] {
                let list = api.list(&[("status", status)]).await;
                ensure!(list.data().len() == count, "{} are {status}, not {count}", list.data().len());
            }
            let all = api.list(&[("limit", "100")]).await.data().len();
            let by_others = stage.ledger.runs().len();
            let expected = stage.asked.len() + stage.answered_at_once - by_others;
            ensure!(all == expected, "it knows {all} and not {expected}");
            Ok(())
        })
        .await
}
