//! Comma-separated values (<https://www.rfc-editor.org/rfc/rfc4180>) that a spreadsheet takes for text.

/// Signs with which a cell begins that spreadsheets calculate
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). The wide ones are taken for the others in some languages.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Adds a row. Each cell is quoted. One that a spreadsheet would calculate gets an apostrophe before it.
pub fn push_row<'a>(text: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (place, cell) in cells.into_iter().enumerate() {
        text.push_str(if place == 0 { "\"" } else { ",\"" });
        if is_formula(cell) {
            text.push('\'');
        }
        for letter in cell.chars() {
            if letter == '"' {
                text.push('"');
            }
            text.push(letter);
        }
        text.push('"');
    }
    text.push_str("\r\n");
}

/// Whether a spreadsheet might calculate the cell. Some remove spaces and invisible signs first.
fn is_formula(cell: &str) -> bool {
    let ignored = |letter: &char| {
        !FORMULA.contains(letter) && (letter.is_whitespace() || letter.is_control() || is_invisible(*letter))
    };
    cell.chars().find(|letter| !ignored(letter)).is_some_and(|first| FORMULA.contains(&first))
}

const fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(cells: &[&str]) -> String {
        let mut text = String::new();
        push_row(&mut text, cells.iter().copied());
        text
    }

    /// Reads rows as RFC 4180 says, independently of what writes them.
    fn read(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {}
                '\n' if !quoted => {
                    cells.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut cells));
                }
                other => cell.push(other),
            }
        }
        rows
    }

    #[test]
    fn a_cell_that_would_be_calculated_is_text() {
        for formula in
            ["=1+1", "+49", "-1", "@sum(a1)", "\t=1", "\n=1", " =1", "\u{FEFF}=1", "＝1", "\u{200B}+1"]
        {
            assert_eq!(read(&row(&[formula])), [[format!("'{formula}")]], "{formula:?}");
        }
        assert_eq!(row(&["a=1", "", "say \"hi\", Kim"]), "\"a=1\",\"\",\"say \"\"hi\"\", Kim\"\r\n");
    }

    proptest! {
        #[test]
        fn whatever_stands_in_cells_stays_in_them(cells in prop::collection::vec(any::<String>(), 1..5)) {
            let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
            let twice = row(&texts).repeat(2);
            let found = read(&twice);
            prop_assert_eq!(found.len(), 2);
            for (cell, found) in cells.iter().zip(&found[0]) {
                let bare = found.strip_prefix('\'').unwrap_or(found);
                prop_assert!(cell == found || cell == bare);
                prop_assert!(!found.trim_start().starts_with(['=', '+', '-', '@']));
            }
        }
    }
}
