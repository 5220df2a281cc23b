//! Suggestions for mistyped names. They are only suggested, never applied: a permission is granted only by its exact
//! name.

/// Returns the paths (`salesforce.create_record`) closest to what was typed, closest first, at most `most`. Distant ones are
/// left out.
#[must_use]
pub fn nearest(typed: &str, paths: &[String], most: usize) -> Vec<String> {
    let typed = plain(typed);
    let mut near: Vec<(usize, &String)> =
        paths.iter().filter_map(|path| distance(&typed, path).map(|distance| (distance, path))).collect();
    near.sort();
    near.into_iter().take(most).map(|(_, path)| path.clone()).collect()
}

/// The edit distance between a path and what was typed; `None` if it is too large for a typing error.
fn distance(typed: &str, path: &str) -> Option<usize> {
    let whole = plain(path);
    // What can be the action's key: what follows a separator. Integrations' keys contain dots too.
    let actions: Vec<String> =
        path.match_indices(['.', '/']).map(|(at, separator)| plain(&path[at + separator.len()..])).collect();
    if typed == whole || actions.contains(&typed.to_owned()) {
        return Some(0);
    }
    if typed.chars().count() >= 3 && (whole.contains(typed) || typed.contains(&whole)) {
        return Some(1);
    }
    let edits = actions.iter().map(|action| edits(typed, action)).fold(edits(typed, &whole), usize::min);
    let allowed = (typed.chars().count() / 3).max(1);
    (edits <= allowed).then_some(edits + 1)
}

/// Letters and digits in lower case, so that case and separators don't count as differences.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).take(200).collect()
}

/// The Levenshtein distance, by the Wagner–Fischer algorithm with a single row.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(typed: &str) -> Vec<String> {
        let paths = [
            "github.create_issue",
            "github.close_issue",
            "gmail.send_email",
            "salesforce.create_record",
            "claude.mcp.crm.find",
        ];
        nearest(typed, &paths.map(str::to_owned), 3)
    }

    #[test]
    fn what_was_probably_meant_is_found() {
        assert_eq!(find("GitHub.Create-Issue")[0], "github.create_issue");
        assert_eq!(find("create_record"), ["salesforce.create_record"]);
        assert_eq!(find("gmail.send_mail"), ["gmail.send_email"]);
        assert_eq!(find("github.crate_isue")[0], "github.create_issue");
        assert_eq!(find("fnd"), ["claude.mcp.crm.find"]);
        assert_eq!(find("github"), ["github.close_issue", "github.create_issue"]);
    }

    #[test]
    fn what_is_far_off_is_not_offered() {
        for typed in ["", "x", "deploy", "🙂", "stripe.refund"] {
            assert!(find(typed).is_empty(), "{typed}: {:?}", find(typed));
        }
    }
}
