//! Every call of every tool of the catalog, as real agents make them.

use chrono::TimeDelta;
use sandbox::{backend::digest, catalog};

use crate::story::{ALICE, story};

#[tokio::test(flavor = "multi_thread")]
async fn every_real_call_is_asked_about_and_shown_whole() {
    story(async |s| {
        for integration in catalog::integrations() {
            s.put(&integration.key).await;
        }
        let mut asked = 0;
        for call in catalog::calls() {
            // No faster than Slack takes messages.
            s.pass(TimeDelta::seconds(1));
            let (id, prompt) = s.prompt(&call.ask(ALICE, &format!("c-{asked}"))).await;
            let name = format!("{}.{}", call.integration, call.action);
            let integration = catalog::integration(&call.integration).unwrap();
            let action = integration.action(&call.action).unwrap();
            let text = prompt.all_text();
            assert!(text.contains(&integration.name) && text.contains(&action.name), "{name}: {text}");
            assert!(text.contains(&call.agent_name), "{name}: {text}");
            assert!(prompt.has_button("Approve") && prompt.has_button("Deny"), "{name}");

            let (shown, first) = s.details(ALICE, &prompt).await;
            assert_eq!(shown.to_string(), call.arguments.to_string(), "{name}");
            assert!(first.contains(&digest(&call.arguments)) && first.contains(&id), "{name}: {first}");
            asked += 1;
        }
        assert!(asked >= 61, "{asked} calls");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_destroys_is_marked_so_and_nothing_else() {
    story(async |s| {
        s.put("github").await;
        let integration = catalog::integration("github").unwrap();
        let mut marked = [0, 0];
        for action in integration.actions.iter().filter(|action| !action.calls.is_empty()) {
            s.pass(TimeDelta::seconds(1));
            let (_, prompt) = s.prompt(&action.calls[0].ask(ALICE, &action.key)).await;
            let warned = prompt.all_text().to_lowercase().contains("destroy")
                || prompt.all_text().to_lowercase().contains("destructive");
            assert_eq!(warned, action.is_destructive(), "{}: {}", action.key, prompt.all_text());
            marked[usize::from(action.is_destructive())] += 1;
        }
        assert!(marked.iter().all(|count| *count > 0), "{marked:?}");
    })
    .await;
}
