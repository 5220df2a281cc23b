//! The pages for a person who installs the app: what happened, and what to do next.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The complete style of the pages. Their Content-Security-Policy contains its digest.
pub const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1d1c1d; --soft: #616061; --paper: #fff; --ground: #f4f2ef; --line: #dcd8d3;
  --good: #0b6b4f; --bad: #a3341f; --code: #f7f5f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceae8; --soft: #a9a5a1; --paper: #222125; --ground: #17161a;
  --line: #3a383e; --good: #4cc29a; --bad: #f08a72; --code: #2c2a30; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--ground);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, 'Segoe UI', sans-serif; }
main { width: 100%; max-width: 620px; background: var(--paper); border: 1px solid var(--line); border-radius: 14px;
  padding: 36px 40px; }
.mark { font-size: 13px; letter-spacing: .08em; text-transform: uppercase; color: var(--soft); margin: 0 0 18px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 10px; }
h1.good::before { content: '\\2713'; color: var(--good); margin-right: 10px; }
h1.bad::before { content: '!'; color: var(--bad); margin-right: 12px; }
p { margin: 0 0 14px; }
ol { margin: 22px 0 0; padding-left: 22px; }
li { margin-bottom: 16px; }
code { font: 14px/1.5 ui-monospace, 'SF Mono', Menlo, monospace; background: var(--code); border-radius: 5px;
  padding: 2px 5px; }
pre { background: var(--code); border-radius: 8px; padding: 12px 14px; overflow-x: auto; margin: 8px 0 0; }
pre code { background: none; padding: 0; }
a.button { display: inline-block; margin-top: 8px; padding: 10px 18px; border-radius: 8px; background: var(--good);
  color: #fff; font-weight: 600; text-decoration: none; }
@media (prefers-color-scheme: dark) { a.button { color: #10201a; } }
.soft { color: var(--soft); font-size: 14px; margin: 22px 0 0; }
@media (max-width: 480px) { main { padding: 26px 22px; } }
";

/// Why an installation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallError {
    /// The person cancelled on Slack's page.
    Declined,
    /// The link was used before, or the installation began elsewhere or in another browser.
    Stale,
    /// It took longer than ten minutes.
    Late,
    /// Slack refused its own code.
    CodeRefused,
    /// The app's credentials are wrong: the operator must act.
    Misconfigured,
    /// Slack can't be reached, or responds with an internal error.
    SlackDown,
    /// Too many installations are in progress.
    Busy,
    /// The service could not store the installation.
    OursDown,
}

impl InstallError {
    const fn words(self) -> (&'static str, &'static str, bool) {
        match self {
            Self::Declined => (
                "Nothing was installed",
                "You declined the installation on Slack's page. Nothing has changed in your workspace.",
                true,
            ),
            Self::Stale => (
                "This link can't be used",
                "It was already used, or the installation was started in another browser. Nothing has \
                    changed. Start again here.",
                true,
            ),
            Self::Late => (
                "The installation expired",
                "For security, an installation must be finished within ten minutes. Nothing has changed. \
                    Start again.",
                true,
            ),
            Self::CodeRefused => (
                "Slack did not confirm the installation",
                "Slack's confirmation code expired or was already used. Start again to get a new one.",
                true,
            ),
            Self::Misconfigured => (
                "This server is misconfigured",
                "Slack does not accept this server's client id, client secret or address. The operator can \
                    find the reason in the log and with \"countersign doctor\".",
                false,
            ),
            Self::SlackDown => (
                "Could not reach Slack",
                "Slack did not answer, or answered with an error. Please try again in a minute.",
                true,
            ),
            Self::Busy => (
                "Too many installations at once",
                "Nothing has changed in your workspace. Please try again in a minute.",
                true,
            ),
            Self::OursDown => (
                "The installation could not be saved",
                "Slack approved the installation, but this server could not store it. Please install again \
                    in a minute; that replaces the first attempt.",
                true,
            ),
        }
    }
}

/// A finished installation.
#[derive(Debug, Clone, Copy)]
pub struct Installed<'a> {
    /// The name of the workspace, as people see it.
    pub name: &'a str,
    /// Slack's id of it.
    pub slack_id: &'a str,
    /// The app's id, if Slack sent it.
    pub app_id: Option<&'a str>,
    /// Whether it is an organisation.
    pub org_wide: bool,
    /// Scopes that the app needs and was not granted.
    pub missing: &'a [&'a str],
}

/// The page after an installation.
#[must_use]
pub fn installed(installed: &Installed<'_>) -> String {
    let Installed { name, slack_id, app_id, org_wide, missing } = installed;
    let open = app_id.map(|app| format!("https://slack.com/app_redirect?app={app}&team={slack_id}"));
    let create = format!(
        "countersign backend create --workspace {slack_id} \\\n    --name my-agents --webhook-url https://agents.example.com/webhooks"
    );
    page(
        &format!("Installed in {name}"),
        &html! {
            h1.good { "Countersign is installed in " (name) }
            p {
                @if *org_wide { "It is installed for the whole organisation. " }
                "From now on agents ask here before they act, and people answer in Slack."
            }
            @if !missing.is_empty() {
                p {
                    strong { "Something is missing." }
                    " Slack did not grant " code { (missing.join(", ")) } ", and Countersign can't work \
                        without it. The operator must add it under OAuth & Permissions in the app's settings; \
                        then install again."
                }
            }
            ol {
                li {
                    strong { "See it in Slack." }
                    " Type " code { "/approvals" } " in any channel, or open the app: its Home tab shows what is waiting for you."
                    @if let Some(open) = open { br; a.button href=(open) { "Open in Slack" } }
                }
                li {
                    strong { "Connect an agent backend." }
                    " The operator creates its API key and webhook secret with"
                    pre { code { (create) } }
                }
                li {
                    strong { "Decide what may be auto-approved." }
                    " At first, nothing is. A workspace admin unlocks actions in the app's Home tab."
                }
            }
            p.soft { "You can close this page. Removing the app in Slack ends all pending requests." }
        },
    )
}

/// The page after a failed installation. `again` is the address where the person can start over.
#[must_use]
pub fn failed(error: InstallError, again: &str) -> String {
    let (title, words, may_try) = error.words();
    page(
        title,
        &html! {
            h1.bad { (title) }
            p { (words) }
            @if may_try { a.button href=(again) { "Install again" } }
        },
    )
}

fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " · Countersign" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { p.mark { "Countersign" } (body) } }
        }
    }
    .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_named_by_a_joker_is_only_a_name() {
        let page = installed(&Installed {
            name: "<script>alert(1)</script>",
            slack_id: "T1",
            app_id: Some("A1"),
            org_wide: false,
            missing: &[],
        });
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(page.contains("countersign backend create --workspace T1"));
        assert!(page.contains("https://slack.com/app_redirect?app=A1&amp;team=T1"));
    }

    #[test]
    fn every_error_says_what_to_do() {
        for error in [
            InstallError::Declined,
            InstallError::Stale,
            InstallError::Late,
            InstallError::CodeRefused,
            InstallError::Misconfigured,
            InstallError::SlackDown,
            InstallError::OursDown,
        ] {
            let page = failed(error, "/slack/install");
            assert_eq!(page.contains("href=\"/slack/install\""), error != InstallError::Misconfigured);
        }
    }
}
