//! What the blocks look like in HTML, with harmless and with hostile content.

use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};

use super::{Moment, Names, Place, RenderContext, blocks, mrkdwn};

fn render(context: impl FnOnce(&RenderContext<'_>) -> maud::Markup) -> String {
    let names = Names {
        users: [("U0ALICE", "Alice"), ("U0BOB", "Bob")].map(|(id, name)| (id.into(), name.into())).into(),
        channels: [("C0SALES".into(), "sales".into())].into(),
    };
    let moment = Moment {
        now: DateTime::from_timestamp(1_392_734_382, 0).unwrap(),
        zone: FixedOffset::east_opt(3600).unwrap(),
    };
    let place = Place::Message { channel: "D1".into(), ts: "1.000100".into() };
    context(&RenderContext {
        names: &names,
        viewer: "U0ALICE",
        place,
        id: "m".into(),
        moment,
        entered: None,
        errors: None,
    })
    .into_string()
}

fn text(mrkdwn_text: &str) -> String {
    render(|context| mrkdwn(context, mrkdwn_text, false))
}

fn block(block: Value) -> String {
    render(|context| blocks(context, &[block]))
}

#[test]
fn styles_open_at_word_starts_and_close_at_word_ends() {
    assert_eq!(
        text("*bold* _it_ ~no~ `a*b*`"),
        "<strong>bold</strong> <em>it</em> <s>no</s> <code class=\"code\">a*b*</code>"
    );
    assert_eq!(text("snake_case_name 2*3*4 * a *"), "snake_case_name 2*3*4 * a *");
    assert_eq!(text("*a _b_ c*"), "<strong>a <em>b</em> c</strong>");
    assert_eq!(text("(*x*), *y*."), "(<strong>x</strong>), <strong>y</strong>.");
    assert_eq!(text("*two\nlines*"), "*two<br>lines*");
}

#[test]
fn quotes_and_preformatted_text_are_blocks() {
    assert_eq!(text("a\n> b\n&gt; c\nd"), "a<blockquote class=\"quote\">b<br>c</blockquote>d");
    assert_eq!(text(">>> b\nc"), "<blockquote class=\"quote\">b<br>c</blockquote>");
    assert_eq!(text("see ```\n*x* &lt;b&gt;\n```"), "see <pre class=\"pre\">*x* &lt;b&gt;</pre>");
}

#[test]
fn mentions_carry_names_and_the_readers_own_is_marked() {
    assert_eq!(text("<@U0BOB>"), "<span class=\"mention\" data-user=\"U0BOB\">@Bob</span>");
    assert!(text("<@U0ALICE|x>").contains("mention mention-me"));
    assert!(text("<#C0SALES>").contains("href=\"/?as=U0ALICE&amp;channel=C0SALES\">#sales<"));
    assert!(text("<!channel> <!here>").contains("@here"));
    assert!(text("<!subteam^S1|@crew>").contains(">@crew<"));
}

#[test]
fn links_have_labels_and_dangerous_ones_stay_text() {
    let link = text("<https://example.com/a?b=1&amp;c=2|a *b*>");
    assert!(link.contains("href=\"https://example.com/a?b=1&amp;c=2\""), "{link}");
    assert!(link.contains(">a *b*</a>"), "{link}");
    assert!(text("see https://example.com/x.").contains("href=\"https://example.com/x\""));
    assert!(!render(|context| mrkdwn(context, "https://example.com", true)).contains("<a"));
    for address in ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", " vbscript:x", "//x"] {
        let drawn = text(&format!("<{address}|click>"));
        assert!(!drawn.contains("<a"), "{drawn}");
    }
}

#[test]
fn dates_are_shown_in_the_readers_zone_and_fall_back() {
    assert!(text("<!date^1392734382^{date} at {time}|x>").contains("February 18th, 2014 at 3:39 PM"));
    assert!(text("<!date^1392734382^{date_short_pretty}|x>").contains(">today<"));
    assert!(text("<!date^1392734322^{ago}|x>").contains(">1 minute ago<"));
    assert!(text("<!date^zzz^{date}|then>").contains(">then<"));
    assert!(text("<!date^1^{date_num}^javascript:alert(1)|then>").contains("1970-01-01"));
}

#[test]
fn shortcodes_are_emoji_except_in_rich_text() {
    assert!(text("a :lock: b").contains(">🔒<"));
    assert!(text("10:30:45 :nope: `:lock:`").contains("10:30:45 :nope: <code class=\"code\">:lock:"));
    let plain = |emoji: Value| {
        block(
            json!({ "type": "section", "text": { "type": "plain_text", "text": ":wave::skin-tone-3: *x*", "emoji": emoji } }),
        )
    };
    assert!(plain(json!(true)).contains(">👋</span> *x*"));
    assert!(plain(json!(false)).contains(":wave::skin-tone-3: *x*"));
    let rich = block(json!({ "type": "rich_text", "elements": [{ "type": "rich_text_preformatted",
        "elements": [{ "type": "text", "text": ":lock: <@U0BOB> *x*" }] }] }));
    assert!(rich.contains("<pre class=\"pre\">:lock: &lt;@U0BOB&gt; *x*</pre>"), "{rich}");
}

#[test]
fn rich_text_renders_styles_links_people_and_lists() {
    let drawn = block(json!({ "type": "rich_text", "elements": [
        { "type": "rich_text_section", "elements": [
            { "type": "text", "text": "b", "style": { "bold": true, "code": true } },
            { "type": "link", "url": "https://example.com", "text": "there" },
            { "type": "link", "url": "javascript:alert(1)", "text": "there" },
            { "type": "link", "url": "https://acme.slack.com/archives/D1/p1790000000000100", "text": "here" },
            { "type": "user", "user_id": "U0BOB" }, { "type": "channel", "channel_id": "C0SALES" },
            { "type": "emoji", "name": "lock", "unicode": "1f512" }, { "type": "broadcast", "range": "here" } ] },
        { "type": "rich_text_list", "style": "ordered", "offset": 2, "elements": [
            { "type": "rich_text_section", "elements": [{ "type": "text", "text": "three" }] }] },
        { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "said" }] } ] }));
    for part in [
        "<strong><code class=\"code\">b</code></strong>",
        "href=\"https://example.com\"",
        "there (javascript:alert(1))",
        "href=\"/archives/D1/p1790000000000100\"",
        "@Bob",
        "#sales",
        ">🔒<",
        "@here",
        "<ol class=\"list indent-0\" start=\"3\"><li>three</li></ol>",
        "<blockquote class=\"quote\">said</blockquote>",
    ] {
        assert!(drawn.contains(part), "{part} not in {drawn}");
    }
}

#[test]
fn buttons_say_who_clicks_what_where() {
    let drawn = block(json!({ "type": "actions", "block_id": "b", "elements": [
        { "type": "button", "action_id": "ok", "style": "primary", "value": "\"7\"",
          "text": { "type": "plain_text", "text": "Approve" },
          "confirm": { "title": { "type": "plain_text", "text": "Sure?" }, "text": { "type": "plain_text", "text": "It runs." },
                       "confirm": { "type": "plain_text", "text": "Yes" }, "deny": { "type": "plain_text", "text": "No" } } },
        { "type": "overflow", "action_id": "more", "options": [
            { "text": { "type": "plain_text", "text": "Always" }, "value": "always" }] } ] }));
    for part in [
        "class=\"btn btn-primary\"",
        "hx-vals=\"{&quot;as&quot;:&quot;U0ALICE&quot;,&quot;block_id&quot;:&quot;b&quot;,&quot;action_id&quot;:&quot;ok&quot;,&quot;channel&quot;:&quot;D1&quot;,&quot;ts&quot;:&quot;1.000100&quot;,&quot;value&quot;:&quot;\\&quot;7\\&quot;&quot;}\"",
        "hx-confirm=\"#confirm-m.0.0\"",
        "id=\"confirm-m.0.0\"",
        "aria-label=\"More options\"",
        "role=\"menuitem\"",
        "&quot;value&quot;:&quot;always&quot;",
    ] {
        assert!(drawn.contains(part), "{part} not in {drawn}");
    }
}

#[test]
fn choices_and_inputs_start_with_what_the_app_set() {
    let option =
        |value: &str| json!({ "text": { "type": "mrkdwn", "text": format!("*{value}*") }, "value": value });
    let drawn = block(json!({ "type": "actions", "block_id": "b", "elements": [
        { "type": "checkboxes", "action_id": "c", "options": [option("x"), option("y")], "initial_options": [option("y")] },
        { "type": "static_select", "action_id": "s", "options": [option("m"), option("n")], "initial_option": option("n") },
        { "type": "users_select", "action_id": "u", "initial_user": "U0BOB" } ] }));
    assert!(drawn.contains("value=\"y\" checked>"), "{drawn}");
    assert!(!drawn.contains("value=\"x\" checked"), "{drawn}");
    assert!(drawn.contains("<option value=\"n\" selected>*n*</option>"), "{drawn}");
    assert!(drawn.contains("<option value=\"U0BOB\" selected>Bob</option>"), "{drawn}");
    assert_eq!(drawn.matches("hx-post").count(), 3);
}

#[test]
fn an_input_block_labels_its_field_and_sends_no_changes() {
    let drawn = block(json!({ "type": "input", "block_id": "why", "optional": true,
        "label": { "type": "plain_text", "text": "Reason" }, "hint": { "type": "plain_text", "text": "Shown to the agent" },
        "element": { "type": "plain_text_input", "action_id": "text", "multiline": true, "max_length": 500, "initial_value": "</textarea>" } }));
    let id = drawn.split("<label class=\"input-label\" for=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(drawn.contains(&format!("<textarea class=\"field-text\" id=\"{id}\"")), "{drawn}");
    assert!(drawn.contains("maxlength=\"500\"") && drawn.contains("(optional)"), "{drawn}");
    assert!(drawn.contains(">&lt;/textarea&gt;</textarea>"), "{drawn}");
    assert!(!drawn.contains("hx-post"), "{drawn}");
}

#[test]
fn an_unsupported_block_is_named() {
    assert!(block(json!({ "type": "video<script>" })).contains("type “video&lt;script&gt;”"));
    assert!(
        block(json!({ "type": "actions", "elements": [{ "type": "file_input" }] })).contains("“file_input”")
    );
    assert!(block(json!("not a block")).contains("can't draw"));
}

/// Every place that takes a string gets markup that breaks out of text, attributes, scripts and comments.
#[test]
fn hostile_strings_never_become_markup() {
    let evil = "\"'><img src=x onerror=alert(1)><script>alert(1)</script><!-- `*_~ <https://x|\"><b> ```<i>``` js:alert(1)";
    let words = |kind: &str| json!({ "type": kind, "text": evil });
    let option = json!({ "text": words("plain_text"), "value": evil, "description": words("plain_text"), "url": evil });
    let confirm = json!({ "title": words("plain_text"), "text": words("mrkdwn"), "confirm": words("plain_text"), "deny": words("plain_text"), "style": evil });
    let mut elements = vec![
        json!({ "type": "button", "text": words("plain_text"), "action_id": evil, "value": evil, "url": evil,
                "style": evil, "accessibility_label": evil, "confirm": confirm }),
        json!({ "type": evil }),
    ];
    for kind in ["overflow", "checkboxes", "static_select", "plain_text_input", "number_input", "datepicker"]
    {
        elements.push(
            json!({ "type": kind, "action_id": evil, "options": [option], "initial_options": [option],
            "initial_option": option, "placeholder": words("plain_text"), "initial_value": evil,
            "option_groups": [{ "label": words("plain_text"), "options": [option] }], "initial_date": evil,
            "min_value": evil, "confirm": confirm }),
        );
    }
    let inline: Vec<Value> =
        ["text", "link", "user", "channel", "emoji", "broadcast", "color", "date", "usergroup", evil]
            .iter()
            .map(|kind| {
                json!({ "type": kind, "text": evil, "url": evil, "user_id": evil, "channel_id": evil,
            "name": evil, "unicode": evil, "range": evil, "value": evil, "fallback": evil, "format": evil,
            "usergroup_id": evil })
            })
            .collect();
    let mut all = vec![
        json!({ "type": "section", "block_id": evil, "text": words("mrkdwn"), "fields": [words("plain_text")] }),
        json!({ "type": "header", "text": words("plain_text") }),
        json!({ "type": "context", "elements": [words("mrkdwn")] }),
        json!({ "type": "actions", "block_id": evil, "elements": elements.clone() }),
        json!({ "type": evil }),
    ];
    for style in ["rich_text_section", "rich_text_preformatted", "rich_text_quote", evil] {
        all.push(json!({ "type": "rich_text", "elements": [{ "type": style, "elements": inline.clone() }] }));
    }
    for element in elements {
        all.push(json!({ "type": "input", "block_id": evil, "label": words("plain_text"),
            "hint": words("plain_text"), "element": element, "dispatch_action": true }));
    }
    let drawn = render(|context| blocks(context, &all));
    for forbidden in ["<img", "<script", "<!--", "<i>", "<b>", "javascript:", "href=\"js:"] {
        assert!(!drawn.contains(forbidden), "{forbidden} in {drawn}");
    }
    assert!(!outside_of_quotes(&drawn).contains("onerror"), "{drawn}");
}

/// The markup without text and attribute values: tag and attribute names only.
fn outside_of_quotes(html: &str) -> String {
    let (mut out, mut tag, mut quoted) = (String::new(), false, false);
    for c in html.chars() {
        match c {
            '<' if !quoted => tag = true,
            '>' if !quoted => tag = false,
            '"' if tag => quoted = !quoted,
            _ if tag && !quoted => out.push(c),
            _ => {}
        }
    }
    out
}

#[test]
fn a_long_line_of_marks_is_rendered_quickly() {
    for hostile in [
        "*a ".repeat(13_000),
        "<".repeat(40_000),
        "`".repeat(39_999),
        "http:h".repeat(6_000),
        ":a".repeat(20_000),
        "_*~".repeat(13_000),
    ] {
        let began = std::time::Instant::now();
        text(&hostile);
        assert!(began.elapsed().as_secs() < 5, "{}", hostile.get(..6).unwrap());
    }
}
