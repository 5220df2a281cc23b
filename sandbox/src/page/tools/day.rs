//! Fifty requests at once, as on a busy day: four agents with eleven requests in one conversation each, four single
//! requests, and two that destroy something.

use serde_json::{Value, json};

use crate::backend::Ask;
use crate::catalog::{self, Call};

/// Requests in each of the four conversations.
const EACH: usize = 11;

/// The requests to `user`. `run` tells the conversations of one day from those of another.
pub(super) fn requests(user: &str, run: usize) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for (agent, name, title, integration, action, arguments) in conversations() {
        for number in 1..=EACH {
            let mut call = Call::new(integration, action, arguments(number));
            (call.agent_id, call.agent_name) = (agent.to_owned(), name.to_owned());
            title.clone_into(&mut call.conversation_title);
            call.reason = format!("Step {number} of {EACH}");
            asks.push(call.ask(user, &format!("day-{run}-{agent}")));
        }
    }
    for (integration, action) in SINGLE.into_iter().chain(DESTRUCTIVE) {
        let number = asks.len();
        asks.extend(
            catalog::call(integration, action)
                .map(|call| call.ask(user, &format!("day-{run}-single-{number}"))),
        );
    }
    asks
}

/// The single calls.
const SINGLE: [(&str, &str); 4] = [
    ("github", "create_branch"),
    ("gmail", "draft_email"),
    ("slack", "usergroups_create"),
    ("gmail", "download_attachment"),
];
/// Calls that destroy something.
const DESTRUCTIVE: [(&str, &str); 2] = [("github", "delete_repository"), ("postgres", "execute_sql")];

type Conversation =
    (&'static str, &'static str, &'static str, &'static str, &'static str, fn(usize) -> Value);

fn conversations() -> [Conversation; 4] {
    [
        ("scout", "Scout", "Triage Monday", "github", "add_issue_comment", |n| {
            json!({ "owner": "acme", "repo": "checkout", "issue_number": 1200 + n,
                "body": "Does this still happen in 14.3?" })
        }),
        ("quill", "Quill", "Tickets about vouchers", "gmail", "send_email", |n| {
            json!({ "to": [format!("customer-{n:02}@example.com")], "subject": "Your voucher",
                "body": "Hello,\n\nwe charged one cent too much. It is on its way back to you." })
        }),
        (
            "atlas",
            "Atlas",
            "Q3 pipeline",
            "slack",
            "conversations_add_message",
            |n| json!({ "channel_id": "#sales", "text": format!("Offer {} is signed.", 400 + n) }),
        ),
        ("ledger", "Ledger", "Month end", "gmail", "download_attachment", |n| {
            json!({ "messageId": format!("19ab01fe99aa{n:04}"), "attachmentId": "ANGjdJ8w",
                "filename": format!("invoice-2026-{n:02}.pdf"), "savePath": "/srv/invoices" })
        }),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_day_is_fifty_requests_of_four_agents() {
        let asks = requests("U0ALICE", 1);
        assert_eq!(asks.len(), 50);
        let (mut agents, mut conversations, mut destructive) = (BTreeMap::new(), BTreeMap::new(), 0);
        for ask in &asks {
            *agents.entry(ask.agent.id.as_str()).or_insert(0) += 1;
            *conversations.entry(ask.conversation.id.as_str()).or_insert(0) += 1;
            let action = catalog::integration(&ask.integration).unwrap().action(&ask.action).unwrap();
            destructive += usize::from(action.is_destructive());
            assert!(!action.read_only, "{}", action.key);
            for name in &action.required {
                assert!(ask.arguments.get(name).is_some(), "{}: {name}", action.key);
            }
        }
        assert_eq!((agents.len(), destructive), (4, 2));
        let mut sizes: Vec<i32> = conversations.into_values().collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 1, 1, 1, 1, 11, 11, 11, 11]);
        let again = requests("U0ALICE", 2);
        assert!(
            asks.iter().all(|ask| again.iter().all(|other| other.conversation.id != ask.conversation.id))
        );
    }
}
