use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(schema: &Value) -> InputSchema {
    InputSchema::from_stored(&schema.to_string()).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "tests pass literals")]
fn check(schema: Value, arguments: Value) -> Result<Vec<String>, TooComplex> {
    let Value::Object(arguments) = arguments else { unreachable!() };
    let found = faults(&read(&schema), &arguments)?;
    Ok(found.into_iter().map(|fault| format!("/{}: {}", fault.path.join("/"), fault.detail)).collect())
}

#[test]
fn a_fault_is_said_where_it_is() {
    let schema = json!({
        "type": "object", "required": ["to", "subject"], "additionalProperties": false,
        "properties": {
            "to": { "type": "string", "pattern": "^[^@]+@example\\.com$" },
            "subject": { "type": "string", "minLength": 1, "maxLength": 5 },
            "count": { "type": "integer", "minimum": 1, "exclusiveMaximum": 10 },
            "share": { "multipleOf": 0.01 },
            "kind": { "enum": ["a", "b"] },
            "lines": { "items": { "$ref": "#/$defs/line" }, "maxItems": 2, "uniqueItems": true },
        },
        "$defs": { "line": { "type": "object", "required": ["id"] } },
    });
    let fits = json!({ "to": "kim@example.com", "subject": "größe", "count": 1.0, "share": 0.07, "kind": "b",
        "lines": [{ "id": 1 }, { "id": 2 }] });
    assert_eq!(check(schema.clone(), fits).unwrap(), [""; 0]);
    let wrong = json!({ "to": "kim@evil.example", "count": 10, "share": 0.005, "kind": "c", "more": 1,
        "lines": [{}, {}, 1] });
    insta::assert_snapshot!(check(schema, wrong).unwrap().join("\n"), @"
    /subject: Required.
    /more: Not allowed here.
    /to: Does not match the required pattern.
    /count: Must be less than 10.
    /share: Must be a multiple of 0.01.
    /kind: Must be one of the allowed values.
    /lines/0/id: Required.
    /lines/1/id: Required.
    /lines/2: Has the wrong type.
    /lines: Too many items: 3 of at most 2.
    /lines: An item occurs twice.
    ");
}

#[test]
fn a_schema_that_would_take_forever_is_an_error() {
    let itself = json!({ "$ref": "#" });
    assert_eq!(check(itself, json!({})), Err(TooComplex));
    let levels = 30;
    let mut defs = Map::new();
    for level in 0..levels {
        let next = json!({ "$ref": format!("#/$defs/d{}", level + 1) });
        defs.insert(format!("d{level}"), json!({ "anyOf": [next, next] }));
    }
    defs.insert(format!("d{levels}"), json!(false));
    let doubled = json!({ "$ref": "#/$defs/d0", "$defs": defs });
    assert_eq!(check(doubled, json!({})), Err(TooComplex));
    let unknown = json!({ "unevaluatedProperties": false });
    assert_eq!(check(unknown, json!({})), Err(TooComplex));
    let large = json!({ "properties": { "a": { "pattern": "(x[ab]{500})+y" } } });
    assert_eq!(check(large.clone(), json!({ "a": "ab".repeat(10_000) })), Err(TooComplex));
    assert_eq!(check(large, json!({ "a": "ab" })).unwrap(), ["/a: Does not match the required pattern."]);
}

#[test]
fn a_recursive_schema_is_followed_as_deep_as_the_arguments() {
    let tree = json!({ "properties": { "next": { "$ref": "#" } }, "required": ["id"] });
    assert_eq!(
        check(tree, json!({ "id": 1, "next": { "next": { "id": 1 } } })).unwrap(),
        ["/next/id: Required."]
    );
}

fn schema() -> impl Strategy<Value = Value> {
    let names = || prop::sample::select(vec!["a", "b", "c"]);
    let number = || prop_oneof![Just(0.0), Just(1.0), Just(2.5), Just(-3.0)];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        Just(json!({})),
        prop::sample::select(vec!["string", "number", "integer", "boolean", "null", "array", "object"])
            .prop_map(|name| json!({ "type": name })),
        (0..4_u8).prop_map(|n| json!({ "maxLength": n })),
        (0..4_u8).prop_map(|n| json!({ "minLength": n, "minItems": 1 })),
        number().prop_map(|n| json!({ "minimum": n })),
        number().prop_map(|n| json!({ "exclusiveMaximum": n })),
        Just(json!({ "multipleOf": 0.5, "uniqueItems": true })),
        Just(json!({ "pattern": "^x|y$" })),
        Just(json!({ "enum": [1, "x", null, [1]] })),
        Just(json!({ "const": { "a": 1 } })),
        prop::collection::btree_set(names(), 0..3).prop_map(|names| json!({ "required": names })),
        (0..3_u8).prop_map(|n| json!({ "maxProperties": n, "minProperties": 1 })),
    ];
    leaf.prop_recursive(3, 24, 3, move |inner| {
        let several = || prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            several().prop_map(|parts| json!({ "allOf": parts })),
            several().prop_map(|parts| json!({ "anyOf": parts })),
            several().prop_map(|parts| json!({ "oneOf": parts })),
            inner.clone().prop_map(|part| json!({ "not": part })),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(one, two, three)| json!({ "if": one, "then": two, "else": three })),
            prop::collection::btree_map(names(), inner.clone(), 0..3)
                .prop_map(|parts| json!({ "properties": parts })),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({
                "properties": { "a": one }, "patternProperties": { "^b": two.clone() },
                "additionalProperties": two
            })),
            inner.clone().prop_map(|part| json!({ "propertyNames": part })),
            inner.clone().prop_map(|part| json!({ "dependentSchemas": { "a": part } })),
            Just(json!({ "dependentRequired": { "a": ["b"] } })),
            (inner.clone(), inner.clone())
                .prop_map(|(one, two)| json!({ "prefixItems": [one], "items": two })),
            inner.clone().prop_map(|part| json!({ "contains": part, "maxContains": 1 })),
            inner.clone().prop_map(|part| json!({ "$defs": { "d": part }, "$ref": "#" })),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![0.0, 1.0, 2.5, -3.0, 7.0]).prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        "[xyz]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_implementation_agrees(schema in schema(), value in value()) {
        // A reference to the root, so that a part of it never refers to itself.
        let text = schema.to_string().replace(",\"$ref\":\"#\"", "");
        let whole = json!({ "properties": { "value": serde_json::from_str::<Value>(&text).unwrap() } });
        let arguments = json!({ "value": value });
        let known = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).build(&whole).unwrap();
        let found = check(whole.clone(), arguments.clone()).unwrap();
        prop_assert_eq!(found.is_empty(), known.is_valid(&arguments), "{} {} {:?}", whole, arguments, found);
    }
}
