//! Policies: reading them, which rule decides, and the policies in the documentation.

use std::{fs, path::Path};

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::domain::{
    approvals::{Agent, Conversation},
    grants::Scope,
    ids::UserId,
    limits::Uses,
    text::ForeignId,
};

const EXAMPLE: &str = r#"
rules:
  - action: stripe.create_refund
    when: arguments.amount > 50000
    effect: ask
    approvers: { users: [U0BOB, U0ADA], required: 2, not_the_user: true, escalate_after: 15m, escalate_to: [U0CFO] }
  - action: stripe.create_refund
    effect: user_choice
    limits: { scopes: [once, conversation], max_duration: 8h, max_uses: 20 }
  - action: postgres.drop_table
    effect: block
    reason: Not from agents
  - action: "*"
    effect: ask
tests:
  - name: A large refund asks two people
    given: { action: stripe.create_refund, arguments: { amount: 50001 } }
    expect: { effect: ask, rule: 1, approvers: [U0ADA, U0BOB] }
  - name: A small one may be auto-approved
    given: { action: stripe.create_refund, arguments: { amount: 10 }, agent: { id: atlas, name: Atlas }, user: U0ALICE }
    expect: user_choice
  - name: Without an amount, a person looks at it
    given: { action: stripe/create_refund, now: "2026-09-21T10:00:00+02:00" }
    expect: error
"#;

/// What the rules say of an action.
fn say<'p>(
    policy: &'p Policy,
    (integration, action): (&str, &str),
    arguments: &Map<String, serde_json::Value>,
) -> Ruling<'p> {
    let agent = Agent { id: ForeignId::new("atlas").unwrap(), name: None };
    let conversation = Conversation { id: ForeignId::new("c-1").unwrap(), title: None, url: None };
    policy.rule_on(&Facts {
        arguments,
        agent: &agent,
        user: &UserId::parse("U0ALICE").unwrap(),
        conversation: &conversation,
        integration: &IntegrationKey::new(integration).unwrap(),
        action: &ActionKey::new(action).unwrap(),
        now: "2026-09-21T07:30:00Z".parse().unwrap(),
    })
}

fn number(ruling: &Ruling<'_>) -> Option<u16> {
    match ruling {
        Ruling::NoRule => None,
        Ruling::Rule(rule) | Ruling::Failed { rule, .. } => Some(rule.number.get()),
    }
}

#[test]
fn a_policy_is_read_and_its_tests_pass() {
    let policy = Policy::parse(EXAMPLE).unwrap();
    assert_eq!(policy.failures(), []);
    let [refund, smaller, _, _] = policy.rules() else { panic!("{policy:?}") };
    let approvers = refund.effect.approvers().unwrap();
    assert_eq!((approvers.people().len(), approvers.required(), approvers.not_the_user()), (2, 2, true));
    let Effect::UserChoice(limits, None) = &smaller.effect else { panic!("{smaller:?}") };
    assert!(limits.allow(Scope::Conversation) && !limits.allow(Scope::Always));
    assert_eq!((limits.max_duration.unwrap().num_hours(), limits.max_uses), (8, Uses::new(20)));
}

#[test]
fn a_test_may_say_who_decides() {
    let rules = "rules:
  - { action: a.b, effect: ask, approvers: { users: [U0BOB, U0ADA] } }
  - { action: a.c, effect: ask }
";
    let failures = |action: &str, approvers: &str| -> Vec<String> {
        let case = format!(
            "tests: [{{ name: x, given: {{ action: {action} }}, expect: {{ effect: ask, approvers: {approvers} }} }}]"
        );
        let policy = Policy::parse(&format!("{rules}{case}")).unwrap();
        policy.failures().iter().map(|failed| failed.message.clone()).collect()
    };
    assert!(failures("a.b", "[U0ADA, U0BOB]").is_empty());
    assert!(failures("a.c", "[]").is_empty());
    assert_eq!(failures("a.b", "[U0BOB]"), ["expected ask of U0BOB, got ask by rule 1 of U0BOB, U0ADA"]);
    assert_eq!(failures("a.b", "[]"), ["expected ask of the user, got ask by rule 1 of U0BOB, U0ADA"]);
    assert_eq!(failures("a.c", "[U0BOB]"), ["expected ask of U0BOB, got ask by rule 2 of the user"]);
}

#[test]
fn an_empty_policy_has_no_rules() {
    for text in ["", "# nothing yet\n", "rules:\n", "rules: []\n"] {
        assert!(Policy::parse(text).unwrap().rules().is_empty(), "{text:?}");
    }
}

#[test]
fn faults_name_line_and_field() {
    let text = r"
rules:
  - action: stripe.create_refund
    when: amount > 50000
    effect: aks
  - actoin: github.*
    effect: ask
    limits: { scopes: [conversation], max_duration: 2y, max_uses: 0 }
  - action: git*hub
    effect: block
    approvers: { users: [bob] }
  - action: claude.mcp.github.delete
    effect: allow
  - effect: ask
    action: x.y
    approvers: { users: [U0BOB, U0BOB], required: 3, escalate_after: 15m }
  - nonsense
tests:
  - name: Wrong
    given: { action: github.*, user: bob, now: today }
    expect: maybe
rulez: []
";
    insta::assert_snapshot!(Policy::parse(text).unwrap_err().to_string());
}

#[test]
fn yaml_that_cannot_be_read_is_refused_with_its_line() {
    let mut refused = Vec::new();
    for text in ["rules:\n  - action: [\n", "rules: []\nrules: []\n", "- a\n", "rules:\n\t- x\n", "1: 2\n"] {
        refused.push(format!("{text:?}: {}", Policy::parse(text).unwrap_err()));
    }
    let long = "#".repeat(MOST_BYTES + 1);
    refused.push(Policy::parse(&long).unwrap_err().to_string());
    insta::assert_snapshot!(refused.join("\n"));
}

#[test]
fn the_number_of_rules_is_limited() {
    let rules = |each: &str, number: usize| format!("rules:\n{}", each.repeat(number));
    let all = "  - { action: \"*\", effect: ask }\n";
    assert!(Policy::parse(&rules(all, 50)).is_ok());
    let refused = Policy::parse(&rules(all, 51)).unwrap_err().to_string();
    assert_eq!(
        refused,
        "line 52, rules[50]: 51 rules speak of one action, at most 50 may; join their conditions with ||"
    );
    let many: Vec<String> = (0..1001).map(|n| format!("  - {{ action: a.b{n}, effect: ask }}\n")).collect();
    assert!(
        Policy::parse(&format!("rules:\n{}", many.concat()))
            .unwrap_err()
            .to_string()
            .contains("at most 1000")
    );
}

#[test]
fn names_with_dots_are_matched_as_they_are_written() {
    let policy = Policy::parse(
        "rules:
  - { action: claude.mcp.github.delete, effect: block }
  - { action: claude.mcp/push, effect: allow }
  - { action: claude.mcp/*, effect: ask }
  - { action: claude.*, effect: block }
",
    )
    .unwrap();
    let rule = |path| number(&say(&policy, path, &Map::new()));
    assert_eq!(rule(("claude.mcp.github", "delete")), Some(1));
    assert_eq!(rule(("claude", "mcp.github.delete")), Some(1));
    assert_eq!(rule(("claude.mcp", "push")), Some(2));
    assert_eq!(rule(("claude", "mcp.push")), Some(4));
    assert_eq!(rule(("claude.mcp", "x")), Some(3));
    assert_eq!(rule(("claude", "Bash")), Some(4));
    assert_eq!(rule(("claudette", "Bash")), None);
}

#[test]
fn a_condition_that_fails_asks_and_no_later_rule_decides() {
    let policy = Policy::parse(
        "rules:
  - { action: a.b, when: arguments.amount > 5, effect: block }
  - { action: a.b, effect: allow }
",
    )
    .unwrap();
    let said = say(&policy, ("a", "b"), &Map::new());
    assert!(
        matches!(said, Ruling::Failed { rule, fault: ConditionFault::NoField(_) } if rule.number.get() == 1)
    );
}

fn documented() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policies");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn the_documented_policies_pass_their_tests() {
    let documented = documented();
    assert_eq!(documented.len(), 10);
    for (name, text) in documented {
        let policy = Policy::parse(&text).unwrap_or_else(|faults| panic!("{name}: {faults}"));
        assert_eq!(policy.failures(), [], "{name}");
        let tested: std::collections::BTreeSet<_> =
            policy.cases().iter().filter_map(|case| case.decided_by(&policy.rules)).collect();
        let all: std::collections::BTreeSet<_> = policy.rules().iter().map(|rule| rule.number).collect();
        assert_eq!(tested, all, "{name}: each rule has a test that it decides");
    }
}

#[test]
fn the_schema_accepts_what_is_read_and_refuses_what_is_not() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
    for (name, text) in documented().into_iter().chain([("the example".to_owned(), EXAMPLE.to_owned())]) {
        let faults: Vec<String> =
            validator.iter_errors(&read(&text)).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
    for faulty in [
        "rules: [{ action: a.b, effect: aks }]",
        "rules: [{ action: a.b, effect: ask, limits: { max_uses: 1 } }]",
        "rules: [{ action: a.b, effect: block, approvers: { users: [U0BOB] } }]",
        "rules: [{ action: a.b, effect: user_choice, limits: { scopes: [conversation] } }]",
        "rules: [{ action: a.b, effect: user_choice, limits: { scopes: [once, always] } }]",
        "rules: [{ action: a.b, effect: user_choice, limits: { max_duration: 8 } }]",
        "rules: [{ action: a.b, effect: ask, approvers: { users: [] } }]",
        "rules: [{ action: a.b, effect: ask, approvers: { users: [U0BOB], escalate_after: 1h } }]",
        "rules: [{ effect: ask }]",
        "rules: [{ action: a.b, effect: ask, wen: x }]",
        "tests: [{ name: x, given: { action: a.b }, expect: maybe }]",
    ] {
        assert!(!validator.is_valid(&read(faulty)), "{faulty}");
        assert!(Policy::parse(faulty).is_err(), "{faulty}");
    }
}

fn rule_text() -> impl Strategy<Value = String> {
    let action =
        prop::sample::select(vec!["\"*\"", "a.*", "a/*", "a.b", "a/b", "a.b.*", "a.b/c", "b.a", "b.*"]);
    let when = prop::sample::select(vec![
        "",
        "when: arguments.n > 5, ",
        "when: arguments.n < 3, ",
        "when: \"arguments.missing == 1\", ",
        "when: \"true\", ",
    ]);
    let effect = prop::sample::select(vec!["block", "ask", "user_choice", "allow"]);
    (action, when, effect)
        .prop_map(|(action, when, effect)| format!("  - {{ action: {action}, {when}effect: {effect} }}\n"))
}

proptest! {
    #[test]
    fn the_first_rule_that_matches_decides(
        rules in prop::collection::vec(rule_text(), 0..20),
        integration in prop::sample::select(vec!["a", "b", "a.b", "a.c"]),
        action in prop::sample::select(vec!["a", "b", "c", "b.c"]),
        n in 0..10,
    ) {
        let policy = Policy::parse(&format!("rules:\n{}", rules.concat())).unwrap();
        let arguments = json!({ "n": n });
        let arguments = arguments.as_object().unwrap();
        let said = say(&policy, (integration, action), arguments);
        let (key, name) = (IntegrationKey::new(integration).unwrap(), ActionKey::new(action).unwrap());
        // Without the index, rule by rule.
        let expected = policy.rules().iter().find(|rule| {
            rule.action.matches(&key, &name) && match rule.when.as_ref().map(Condition::text) {
                Some("arguments.n > 5") => n > 5,
                Some("arguments.n < 3") => n < 3,
                _ => true,
            }
        });
        prop_assert_eq!(number(&said), expected.map(|rule| rule.number.get()));
        prop_assert_eq!(&said, &say(&policy, (integration, action), arguments));
    }
}
