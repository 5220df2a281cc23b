//! Canonical JSON and its digest, as a backend would compute them from the arguments that it is about to run.
//!
//! Implements RFC 8785 (<https://www.rfc-editor.org/rfc/rfc8785>) independently of the library that the service uses,
//! so that each checks the other.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use sha2::{Digest as _, Sha256};

/// `sha256:` and the SHA-256 of the canonical JSON of `value`, in lowercase hex.
#[must_use]
pub fn digest(value: &Value) -> String {
    let hash = Sha256::digest(canonical(value));
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The canonical JSON of `value`.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Number(number) => text.push_str(&shortest(number)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                text.push(if index == 0 { '[' } else { ',' });
                write_value(text, item);
            }
            text.push_str(if items.is_empty() { "[]" } else { "]" });
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // Section 3.2.3: by the UTF-16 code units of the names, not by their code points.
            members.sort_by(|one, other| one.0.encode_utf16().cmp(other.0.encode_utf16()));
            for (index, (name, member)) in members.iter().enumerate() {
                text.push(if index == 0 { '{' } else { ',' });
                write_string(text, name);
                text.push(':');
                write_value(text, member);
            }
            text.push_str(if members.is_empty() { "{}" } else { "}" });
        }
        Value::String(string) => write_string(text, string),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Null => text.push_str("null"),
    }
}

/// Section 3.2.2.2: two-character escapes where they exist, `\u00xx` for other control characters, everything else
/// unchanged.
fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => _ = write!(text, "\\u{:04x}", u32::from(control)),
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Section 3.2.2.3: a number as ECMAScript prints a double, the fewest digits that name it.
fn shortest(number: &Number) -> String {
    let value = number.as_f64().unwrap_or_default();
    if value == 0.0 {
        return "0".to_owned(); // Also for -0.
    }
    let scientific = fewest_digits(value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let sign = if value < 0.0 { "-" } else { "" };
    // ECMAScript's `Number::toString`: plain from 1e-6 up to, but without, 1e21.
    match exponent {
        0..=20 if count <= exponent + 1 => format!("{sign}{digits}{}", zeros(exponent + 1 - count)),
        0..=20 => {
            let (whole, rest) = digits.split_at(usize::try_from(exponent + 1).unwrap_or(0));
            format!("{sign}{whole}.{rest}")
        }
        -6..=-1 => format!("{sign}0.{}{digits}", zeros(-exponent - 1)),
        _ => format!("{sign}{mantissa}e{exponent:+}"),
    }
}

/// As `d.ddde±x`, with the fewest digits that name `value`, and of those the closest; of two equally close the even one.
fn fewest_digits(value: f64) -> String {
    let fewest = format!("{value:e}");
    let decimals = fewest.split_once('.').map_or(0, |(_, rest)| rest.find('e').unwrap_or(0));
    // The default format rounds a tie up, this one to even.
    let even = format!("{value:.decimals$e}");
    if even.parse() == Ok(value) { even } else { fewest }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{canonical, digest};

    /// RFC 8785, appendix B: doubles by their bits, and how they are written.
    const NUMBERS: [(u64, &str); 21] = [
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
    ];

    #[test]
    fn numbers_are_those_of_the_rfc() {
        for (bits, expected) in NUMBERS {
            assert_eq!(canonical(&json!(f64::from_bits(bits))), expected, "{bits:x}");
        }
    }

    #[test]
    fn integers_are_plain() {
        assert_eq!(
            canonical(&json!([0, -7, 1_000_000, 9_007_199_254_740_991_i64])),
            "[0,-7,1000000,9007199254740991]"
        );
    }

    /// RFC 8785, section 3.2.3.
    #[test]
    fn names_are_sorted_by_utf16() {
        let value: Value = serde_json::from_str(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        )
        .unwrap();
        let text = canonical(&value);
        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"];
        let found: Vec<usize> = order.iter().map(|word| text.find(word).unwrap()).collect();
        assert!(found.is_sorted(), "{text}");
    }

    /// RFC 8785, section 3.2.4: the whole sample.
    #[test]
    fn the_sample_of_the_rfc_is_canonical() {
        let string: Value =
            serde_json::from_str(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#).unwrap();
        let numbers =
            json!([333_333_333.333_333_3_f64, 1e30, 4.50, 2e-3, 0.000_000_000_000_000_000_000_000_001_f64]);
        let value = json!({"numbers": numbers, "string": string, "literals": [null, true, false]});
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&value), expected);
    }

    #[test]
    fn empty_things_stay_empty() {
        assert_eq!(canonical(&json!({"b": {}, "a": []})), r#"{"a":[],"b":{}}"#);
    }

    #[test]
    fn the_digest_is_that_of_the_bytes() {
        // printf '{}' | sha256sum
        let expected = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        assert_eq!(digest(&json!({})), expected);
    }
}
