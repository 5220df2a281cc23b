//! Conditions: what they mean, what is refused, and that evaluating them always ends.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Condition, ConditionFault, Fuel, SyntaxFault, fault::STEPS};
use crate::domain::{
    approvals::{Agent, Conversation},
    ids::UserId,
    policy::facts::Facts,
    text::{ActionKey, ForeignId, IntegrationKey, Name},
};

fn with<T>(arguments: &Map<String, Value>, look: impl FnOnce(&Facts<'_>) -> T) -> T {
    let agent = Agent { id: ForeignId::new("atlas").unwrap(), name: Some(Name::new("Atlas").unwrap()) };
    let user = UserId::parse("U0ALICE").unwrap();
    let conversation = Conversation { id: ForeignId::new("c-1").unwrap(), title: None, url: None };
    let (integration, action) =
        (IntegrationKey::new("stripe").unwrap(), ActionKey::new("create_refund").unwrap());
    // A Monday; 09:30 in Berlin.
    let now: DateTime<Utc> = "2026-09-21T07:30:00Z".parse().unwrap();
    look(&Facts {
        arguments,
        agent: &agent,
        user: &user,
        conversation: &conversation,
        integration: &integration,
        action: &action,
        now,
    })
}

fn arguments() -> Map<String, Value> {
    let arguments = json!({
        "amount": 60000, "rate": 1.5, "whole": 2.0, "currency": "eur", "dry_run": false, "nothing": null,
        "to": ["kim@example.com", "lee@example.org"], "many": (0..1001).collect::<Vec<_>>(),
        "branch": "release/2.1", "customer": { "id": "cus_1", "vip": true }, "note": "Grüße",
    });
    arguments.as_object().unwrap().clone()
}

fn judged(text: &str) -> Result<bool, ConditionFault> {
    let condition = Condition::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    with(&arguments(), |facts| condition.holds(facts, &mut Fuel::default()))
}

fn refused(text: &str) -> String {
    Condition::parse(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn conditions_mean_what_cel_says() {
    for holds in [
        "arguments.amount > 50000",
        "arguments.amount == 60000.0 && arguments.whole == 2",
        "arguments.amount / 7 == 8571 && arguments.amount % 7 == 3",
        "-arguments.amount < 0 && 1 - 2 - 3 == -4 && 2 + 3 * 4 == 14",
        "arguments.rate * 2 == 3.0 && 0x10 == 16 && 1e3 == 1000.0",
        "arguments.currency in ['eur', \"usd\"]",
        "'vip' in arguments.customer && !('vop' in arguments.customer)",
        "arguments.customer.vip && arguments['customer']['id'] == 'cus_1'",
        "arguments.to[1].endsWith('.org') && arguments.to.size() == 2 && size(arguments.note) == 5",
        "arguments.to.exists(x, !x.endsWith('@example.com'))",
        "arguments.to.all(to, to.contains('@'))",
        "arguments.to.exists_one(x, x.startsWith('kim'))",
        "arguments.to.filter(x, x.matches('^k')) == ['kim@example.com']",
        "arguments.to.map(x, x.size()) == [15, 15]",
        "arguments.customer.exists(key, key == 'vip')",
        "has(arguments.amount) && !has(arguments.missing) && has(arguments.nothing)",
        "arguments.nothing == null && arguments.amount != null",
        "arguments.dry_run ? false : arguments.amount > 1",
        "arguments.branch.matches(r'^(main|release/[0-9.]+)$')",
        "arguments.currency.upperAscii() == 'EUR' && ' x '.trim() == 'x'",
        "string(arguments.amount) == '60000' && int('7') == 7 && double('1.5') == arguments.rate",
        "agent.id == 'atlas' && agent.name == 'Atlas' && user.id == 'U0ALICE'",
        "conversation.id == 'c-1' && !has(conversation.title)",
        "action.integration == 'stripe' && action.key == 'create_refund'",
        "now.getHours('Europe/Berlin') == 9 && now.getHours() == 7 && now.getMinutes() == 30",
        "now.getDayOfWeek('Europe/Berlin') == 1 && now.getMonth() == 8 && now.getDate() == 21",
        "now.getHours('+05:30') == 13 && now.getFullYear() == 2026 && now.getDayOfYear() == 263",
        "now < timestamp('2026-09-22T00:00:00Z') && now + duration('24h') > now",
        "now - timestamp('2026-09-21T07:00:00Z') == duration('30m')",
        "'line\\nbreak'.contains('\\n') && '\\u00fc' == 'ü' // a comment",
        "'a' + 'b' == 'ab' && [1] + [2.0] == [1, 2]",
    ] {
        assert_eq!(judged(holds), Ok(true), "{holds}");
    }
}

#[test]
fn what_decides_counts_even_beside_an_error() {
    for (text, expected) in [
        ("false && arguments.missing", Ok(false)),
        ("arguments.missing && false", Ok(false)),
        ("arguments.missing || true", Ok(true)),
        ("arguments.missing || false", Err(ConditionFault::NoField("missing".to_owned()))),
        ("arguments.to.exists(x, x.startsWith('kim') || x > 1)", Ok(true)),
        (
            "arguments.to.all(x, arguments.missing || x.startsWith('kim'))",
            Err(ConditionFault::NoField("missing".to_owned())),
        ),
    ] {
        assert_eq!(judged(text), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_said_is_an_error() {
    let mut errors = Vec::new();
    for text in [
        "arguments.missing > 1",
        "arguments.currency > 1",
        "arguments.amount",
        "arguments.amount / (arguments.amount - 60000) > 1",
        "arguments.amount * 9223372036854775807 > 1",
        "arguments.to[2] == ''",
        "arguments.many.all(x, x >= 0)",
        "timestamp(arguments.currency) < now",
        "now.getHours(arguments.currency) > 1",
        "arguments.amount.contains('6')",
    ] {
        errors.push(format!("{text}: {}", judged(text).unwrap_err()));
    }
    insta::assert_snapshot!(errors.join("\n"), @r"
    arguments.missing > 1: the request has no field missing; test for it with has()
    arguments.currency > 1: expected a string, found a number
    arguments.amount: expected a boolean, found a number
    arguments.amount / (arguments.amount - 60000) > 1: a division by zero
    arguments.amount * 9223372036854775807 > 1: a number is too large
    arguments.to[2] == '': a list or map has no such element
    arguments.many.all(x, x >= 0): a list or map has more than 1000 elements
    timestamp(arguments.currency) < now: a string can't be read as a timestamp
    now.getHours(arguments.currency) > 1: a string can't be read as a time zone
    arguments.amount.contains('6'): expected a string, found a number
    ");
}

#[test]
fn a_faulty_condition_is_refused_with_advice() {
    let mut refusals = Vec::new();
    for text in [
        "",
        "amount > 5",
        "arguments.amount > ",
        "arguments.amount = 5",
        "arguments.amount > 5 and true",
        "arguments.amount > 5 & true",
        "arguments.amount + 5",
        "user.name == 'Kim'",
        "arguments.note.startswith('x')",
        "startsWith(arguments.note, 'x')",
        "arguments.note.startsWith()",
        "arguments.note > 'a' > 5",
        "'a' == 1",
        "now.getHours('Berlin') > 5",
        "arguments.note.matches('(')",
        "arguments.note.matches(arguments.currency)",
        "arguments.to.all(x, arguments.to.all(y, x == y))",
        "arguments.to.all('x')",
        "has(arguments)",
        "5u > 1",
        "'open",
        "{'a': 1} == 1",
        "1.getHours() > 1",
    ] {
        refusals.push(format!("{text}\n  {}", refused(text)));
    }
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn sizes_are_limited() {
    let sum = |terms: usize| format!("{} > 0", vec!["1"; terms].join(" + "));
    assert!(Condition::parse(&sum(99)).is_ok());
    assert!(refused(&sum(100)).starts_with("a condition has at most 200 parts"));
    assert!(refused(&format!("{}true{}", "(".repeat(40), ")".repeat(40))).starts_with("nested more than"));
    assert!(refused(&"!".repeat(5000)).starts_with("a condition has at most 4000 characters"));
}

#[test]
fn steps_are_limited() {
    let long = "x".repeat(200_000);
    let arguments = json!({ "list": (0..1000).collect::<Vec<_>>(), "text": long });
    let arguments = arguments.as_object().unwrap();
    for text in [
        "arguments.list.all(x, arguments.list.size() > x && (x in arguments.list || x in arguments.list))",
        "arguments.list.all(x, arguments.text.contains('y') || true)",
        "arguments.list.all(x, arguments.text + arguments.text != '')",
        "arguments.list.all(x, arguments.text.matches('(a|b|c|d)*z$') || true)",
    ] {
        let condition = Condition::parse(text).unwrap();
        let judged = with(arguments, |facts| condition.holds(facts, &mut Fuel::default()));
        assert_eq!(judged, Err(ConditionFault::TooManySteps), "{text}");
    }
}

/// Conditions of every kind of part, of which many are refused.
fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("arguments".to_owned()),
        Just("arguments.a".to_owned()),
        Just("arguments.b".to_owned()),
        Just("arguments.list".to_owned()),
        Just("x".to_owned()),
        Just("user.id".to_owned()),
        Just("now".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-1e9..1e9).prop_map(|number: f64| format!("{number:?}")),
        "[a-z]{0,3}".prop_map(|text| format!("'{text}'")),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let sign =
            prop::sample::select(vec!["&&", "||", "==", "!=", "<", ">=", "+", "-", "*", "/", "%", "in"]);
        prop_oneof![
            (two.clone(), sign).prop_map(|((left, right), sign)| format!("({left} {sign} {right})")),
            inner.clone().prop_map(|value| format!("!({value})")),
            inner.clone().prop_map(|value| format!("-({value})")),
            inner.clone().prop_map(|value| format!("size({value})")),
            inner.clone().prop_map(|value| format!("string({value}).contains('a')")),
            inner.clone().prop_map(|value| format!("int({value})")),
            inner.clone().prop_map(|value| format!("({value}).getHours('Europe/Berlin')")),
            two.clone().prop_map(|(left, right)| format!("[{left}, {right}]")),
            two.clone().prop_map(|(left, right)| format!("{left}[{right}]")),
            two.clone().prop_map(|(left, right)| format!("({left} ? {right} : {left})")),
            (two, prop::sample::select(vec!["all", "exists", "exists_one", "filter", "map"]))
                .prop_map(|((list, body), each)| format!("{list}.{each}(x, {body})")),
        ]
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e12..1e12_f64).prop_map(Value::from),
        "[a-z ü]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[ab]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn evaluating_ends_and_is_deterministic(
        text in condition().prop_map(|text| format!("{text} == {text}")),
        a in json_value(), b in json_value(), list in prop::collection::vec(json_value(), 0..20),
    ) {
        let Ok(condition) = Condition::parse(&text) else { return Ok(()) };
        let arguments = json!({ "a": a, "b": b, "list": list });
        let arguments = arguments.as_object().unwrap();
        let evaluate = || with(arguments, |facts| {
            let mut fuel = Fuel::default();
            (condition.holds(facts, &mut fuel), STEPS - fuel.left())
        });
        let (first, steps) = evaluate();
        prop_assert_eq!((first, steps), evaluate());
        prop_assert!(steps <= STEPS);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,60}") {
        let character = Condition::parse(&text).map_or_else(|SyntaxFault { character, .. }| character, |_| 1);
        prop_assert!((1..=text.chars().count() + 1).contains(&character));
    }

    #[test]
    fn equal_json_is_judged_alike(number in -9_007_199_254_740_992_i64..9_007_199_254_740_992) {
        #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
        let written = [json!({ "n": number }), json!({ "n": number as f64 })];
        for text in ["arguments.n / 7 * 7 == arguments.n", "arguments.n % 10 == 3", "string(arguments.n).size() > 5"] {
            let condition = Condition::parse(text).unwrap();
            let [int, double] = &written;
            let judge = |arguments: &Value| {
                with(arguments.as_object().unwrap(), |facts| condition.holds(facts, &mut Fuel::default()))
            };
            prop_assert_eq!(judge(int), judge(double));
        }
    }
}
