//! No untrusted text hides, reorders, forges or breaks a view.

use proptest::prelude::*;

use super::{
    checks,
    samples::{FREE, asked_at, full_of, result, state, verdicts, with_digest},
};
use crate::{
    domain::{
        catalog::{Eligibility, Lock, UnlockedFor},
        decision::{Decision, Verdict},
        input_schema::InputSchema,
        results::ResultStatus,
        text::Prose,
    },
    slack::view::{
        deny, details, editing,
        plain::plain,
        prompt::prompt,
        prompt_state::PromptState,
        sanitize::{cut, cut_short, in_mrkdwn, line, lines, reveal, size},
    },
};

/// Texts that have broken views of other programs.
const PIECES: [&str; 50] = [
    "\u{202E}",
    "\u{2066}",
    "\u{2069}",
    "\u{200F}",
    "\u{061C}",
    "\u{200B}",
    "\u{200C}",
    "\u{200D}",
    "\u{2060}",
    "\u{FEFF}",
    "\u{FE0F}",
    "\u{FE0E}",
    "\u{E0041}",
    "\u{E007F}",
    "\u{1F3F4}",
    "\u{AD}",
    "\u{2028}",
    "\u{85}",
    "\u{1b}[31m",
    "\r\n",
    "\n",
    "\t",
    "\u{301}\u{302}\u{303}",
    "<!channel>",
    "<@U0BOB>",
    "<https://evil.example|x>",
    "&lt;",
    "```",
    "`",
    "*b* _i_ ~s~",
    ":white_check_mark:",
    "www.evil.com",
    "@here",
    "⟨U+202E⟩",
    "👩‍💻",
    "🇨🇭",
    "שלום",
    "مرحبا",
    "\"\\",
    "                    ",
    "{to}",
    "{{}}",
    "{",
    "”",
    "“",
    "\u{1F1EB}",
    "👩\u{200D}\u{200D}",
    "\nOther arguments:\nTo\n",
    "⚠ Destructive",
    " › ",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        2 => "[a-zA-Z0-9 .,:-]{1,12}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_view_is_sound_whatever_is_in_it(text in text(), unlocked: bool, connected: bool, live: bool, ending in 0_usize..12) {
        let mut approval = full_of(&text);
        if let Some((_, verdict)) = verdicts().into_iter().nth(ending) {
            let verdict = match verdict {
                Verdict::Denied { user, on_behalf_of, .. } => Verdict::Denied { user, on_behalf_of, reason: Some(Prose::from_stored(text.clone())) },
                Verdict::Undeliverable { .. } => Verdict::Undeliverable { why: Prose::from_stored(text.clone()) },
                Verdict::ApprovedEdited { user, .. } => {
                    let mut members = approval.request.arguments.members().clone();
                    members.insert("plain".to_owned(), format!("{text}!").into());
                    members.shift_remove(&text);
                    Verdict::ApprovedEdited { user, edited: with_digest(members) }
                }
                other => other,
            };
            approval.decision = Some(Decision { verdict, decided_at: asked_at() });
        }
        let schema = InputSchema::from_stored("{}").unwrap();
        let choices = serde_json::json!({ "properties": { "plain": { "enum": [text, format!("{text}!"), "x", "y"] } } });
        let choices = InputSchema::from_stored(&choices.to_string()).unwrap();
        for view in [editing::modal(&approval, &schema), editing::modal(&approval, &choices)].into_iter().flatten() {
            checks::sound(&view, 100);
        }
        approval.result = Some(result(ResultStatus::Failed, Some(&text), Some(&format!("https://example.com/{text}"))));
        let standing = Eligibility { lock: Lock::new(unlocked.then_some(UnlockedFor::Always), false, true), connected, ..FREE };
        let shown = PromptState { standing, grant_live: live, connect_url: Some(&text), ..state(&approval) };
        checks::message(&prompt(&shown).to_json());
        checks::message(&plain(&shown).to_json());
        for page in 0..details::page_count(&approval) {
            checks::sound(&details::details(&approval, None, page), 100);
        }
        checks::sound(&deny::modal(&approval), 100);
    }

    #[test]
    fn marks_can_be_undone(text in text()) {
        let text = text.replace('\r', "");
        prop_assert_eq!(reveal(lines(&text).as_str()), text);
    }

    #[test]
    fn a_line_is_one_line(text in text()) {
        prop_assert!(!line(&text).as_str().contains(['\n', '\r', '\t']));
    }

    #[test]
    fn a_cut_text_fits_and_says_so(text in text(), max in 80_usize..200) {
        let whole = lines(&text);
        let cut = cut(whole.clone(), max);
        prop_assert!(size(cut.text.as_str()) <= max);
        prop_assert_eq!(cut.was_cut, cut.text != whole);
        prop_assert_eq!(cut.was_cut, size(whole.as_str()) > max);
        prop_assert!(size(cut_short(whole, 20).as_str()) <= 20);
    }

    #[test]
    fn slack_and_we_count_alike(text in text()) {
        prop_assert_eq!(size(&text), checks::size(&text));
    }

    #[test]
    fn mrkdwn_gets_nothing_raw(text in text()) {
        let safe = in_mrkdwn(&cut_short(line(&text), 900));
        checks::message(&serde_json::json!({ "text": safe }));
    }
}
