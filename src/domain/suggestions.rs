//! What *More options…* opens with: the narrowest grant that would have covered what the user approved before.

use super::{
    agent::Agent,
    approvals::Request,
    arguments::Arguments,
    ids::BackendId,
    narrowing::{FixedValues, offered},
    own_keys::ConversationKey,
};

/// How many decisions a suggestion rests on.
const ENOUGH: usize = 3;
/// How many decisions are looked at.
pub const LOOKED_AT: usize = 20;

/// A request for the same action that its user decided with a click.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// Whether it was approved, with the arguments that were asked.
    pub approved: bool,
    /// Its arguments. `None`: they were deleted, or can't be read.
    pub arguments: Option<Arguments>,
    /// The backend that asked.
    pub backend: BackendId,
    /// The agent that asked.
    pub agent: Agent,
    /// Its conversation.
    pub conversation: ConversationKey,
}

/// What a grant would have been narrowed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// On how many decisions it rests.
    pub approvals: usize,
    /// The arguments that had the value that they have in this request each time.
    pub fixed: Vec<String>,
    /// Whether the same agent asked each time.
    pub this_agent: bool,
    /// Whether that was in this conversation each time.
    pub this_conversation: bool,
}

/// The narrowest grant that covers this request and would have covered the user's latest decisions for its action, if they
/// approved them all. `decided`: the latest first, at most [`LOOKED_AT`].
#[must_use]
pub fn suggest(request: &Request, decided: &[Decided]) -> Option<Suggestion> {
    // A denial among them means that the user looks at each.
    let looked_at = &decided[..decided.len().min(LOOKED_AT)];
    if looked_at.len() < ENOUGH || looked_at.iter().any(|one| !one.approved || one.arguments.is_none()) {
        return None;
    }
    let is_fixed = |name: &str| {
        let now = FixedValues::new(&request.arguments, [name]);
        now.is_some_and(|now| {
            looked_at.iter().filter_map(|one| one.arguments.as_ref()).all(|then| now.are_in(then))
        })
    };
    let fixed: Vec<String> = offered(&request.arguments)
        .into_iter()
        .filter(|(name, _)| is_fixed(name))
        .map(|(name, _)| name.to_owned())
        .collect();
    let this_agent =
        looked_at.iter().all(|one| one.backend == request.backend && one.agent.id == request.agent.id);
    let conversation = request.conversation_key();
    let this_conversation = looked_at.iter().all(|one| one.conversation == conversation);
    // Approvals that have nothing in common say nothing about the next one.
    (!fixed.is_empty()).then_some(Suggestion {
        approvals: looked_at.len(),
        fixed,
        this_agent,
        this_conversation,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{tests::request, text::Text};

    fn asking(arguments: serde_json::Value) -> Request {
        Request { arguments: serde_json::from_value(arguments).unwrap(), ..request() }
    }

    fn approved(request: &Request) -> Decided {
        Decided {
            approved: true,
            arguments: Some(request.arguments.clone()),
            backend: request.backend,
            agent: request.agent.clone(),
            conversation: request.conversation_key(),
        }
    }

    #[test]
    fn the_narrowest_grant_that_covers_all_is_suggested() {
        let now = asking(json!({ "title": "Fix 4", "repository": "acme/checkout", "base": "main" }));
        let mut decided: Vec<Decided> = ["Fix 3", "Fix 2", "Fix 1"]
            .map(|title| asking(json!({ "base": "main", "repository": "acme/checkout", "title": title })))
            .iter()
            .map(approved)
            .collect();
        let suggestion = suggest(&now, &decided).unwrap();
        assert_eq!(suggestion.fixed, ["repository", "base"]);
        assert_eq!(suggestion.approvals, 3);
        assert!(suggestion.this_agent && suggestion.this_conversation);
        decided[1].agent.id = Text::from_stored("other".to_owned());
        decided[2].conversation =
            ConversationKey::new(now.backend, None, Text::from_stored("c-2".to_owned()));
        let wider = suggest(&now, &decided).unwrap();
        assert!(!wider.this_agent && !wider.this_conversation);
    }

    #[test]
    fn a_denial_or_too_few_approvals_suggest_nothing() {
        let now = asking(json!({ "repository": "acme/checkout" }));
        let all = vec![approved(&now); 4];
        assert!(suggest(&now, &all).is_some());
        assert_eq!(suggest(&now, &all[..2]), None);
        let change = |change: &dyn Fn(&mut Decided)| {
            let mut all = all.clone();
            change(&mut all[3]);
            suggest(&now, &all)
        };
        assert_eq!(change(&|one| one.approved = false), None);
        assert_eq!(change(&|one| one.arguments = None), None);
        let others = asking(json!({ "repository": "acme/web" }));
        assert_eq!(change(&|one| one.arguments = Some(others.arguments.clone())), None, "nothing in common");
    }
}
