//! Amounts of money: digits in groups of three, and the currency.

use serde_json::{Map, Value};

use crate::{
    domain::{approvals::Request, field_hints::Format},
    slack::view::sanitize::safe_text::SafeText,
};

/// The amount of a top-level argument that the backend describes as money, as its field shows it.
pub(in crate::slack::view) fn money(request: &Request, key: &str) -> Option<SafeText> {
    let members = request.arguments.members();
    let mut hints = request.action.presentation.fields.iter();
    let is_money = hints.any(|hint| {
        hint.format == Some(Format::Money) && hint.pointer.steps().eq(std::iter::once(key.to_owned()))
    });
    let value = members.get(key).filter(|_| is_money)?;
    text(value, Some((key, members)))
}

/// An amount with its currency, if the value is a plain number. `among`: its key, and the object that it is a member of.
pub(super) fn text(value: &Value, among: Option<(&str, &Map<String, Value>)>) -> Option<SafeText> {
    let amount = amount(value)?;
    let currency = among.and_then(|(key, members)| currency(key, members));
    // Digits and ASCII letters.
    Some(SafeText::own(currency.map_or_else(|| amount.clone(), |currency| format!("{amount} {currency}"))))
}

/// An amount with its digits in groups of three, if it is a plain number.
fn amount(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !fraction.is_none_or(plain) || digits.len() > 30 {
        return None;
    }
    let mut grouped = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    Some(grouped)
}

/// The currency that stands beside an amount: three letters, so that nothing else can come into the amount's element.
fn currency(key: &str, members: &Map<String, Value>) -> Option<String> {
    let own = [format!("{key}_currency"), format!("{key}Currency")];
    let keys = own.iter().map(String::as_str).chain(["currency", "currency_code", "currencyCode"]);
    let code = keys.filter_map(|key| members.get(key)).find_map(Value::as_str)?;
    let fits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then(|| code.to_ascii_uppercase())
}
