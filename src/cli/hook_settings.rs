//! `countersign hook install`, `uninstall` and `describe`.

use std::{
    fs,
    io::{ErrorKind, IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use clap::Args;
use tokio::time::{Instant, timeout_at};

use crate::{
    cli::{
        error::CliError,
        hook_args::{Service, given, map},
        output::print,
    },
    domain::{text::IntegrationKey, tool_key::backend_key},
    entropy::Entropy,
    gateway::{
        claude_settings::{self, FIRST_VERSION, Hook, Run},
        client::{self, ClientError},
        formats::{Format, catalog::catalog},
        hook::HookError,
    },
};

/// Tools that change something or reach the network. What only reads files runs without asking.
const MATCHER: &str = "Bash|PowerShell|Monitor|Write|Edit|MultiEdit|NotebookEdit|WebFetch|WebSearch|mcp__.*";
/// How long describing may take, with retries: a person waits for it.
const DESCRIBE_LIMIT: Duration = Duration::from_secs(10);

/// Which settings.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Target {
    /// In Claude Code's settings
    #[arg(long, required = true)]
    claude: bool,
    /// For all your projects: ~/.claude/settings.json [default]
    #[arg(long, conflicts_with = "project")]
    user: bool,
    /// For the project in the current directory: .claude/settings.json
    #[arg(long)]
    project: bool,
    /// Change the file without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct Install {
    #[command(flatten)]
    target: Target,
    /// Ask about tools whose names match this regular expression
    #[arg(long, value_name = "REGEX", default_value = MATCHER)]
    matcher: String,
    /// How many seconds Claude Code waits for the hook; the person has 15 s less
    #[arg(long, value_name = "SECONDS", default_value_t = 1800, value_parser = clap::value_parser!(u32).range(25..))]
    limit: u32,
    /// Have Claude Code call the service, so that this program need not be where Claude Code runs. The API key must be
    /// bound to a user
    #[arg(long)]
    http: bool,
    /// The service's address, for --http
    #[arg(long, env = "COUNTERSIGN_URL", value_name = "URL")]
    url: Option<String>,
    /// The name of the backend that the API key belongs to: integrations begin with it [default: claude]
    #[arg(long, value_name = "NAME", conflicts_with = "http")]
    backend: Option<String>,
    /// Treat the tools of this MCP server as actions of a shared integration, with its grants. May be repeated
    #[arg(long = "map", value_name = "SERVER=INTEGRATION", value_parser = map)]
    maps: Vec<(String, IntegrationKey)>,
    /// Claude Code's program, whose version is checked
    #[arg(long, value_name = "PROGRAM", default_value = "claude")]
    program: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Uninstall {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Args)]
pub(super) struct Describe {
    #[command(flatten)]
    service: Service,
    /// The name of the backend that the API key belongs to: the integration's key [default: claude]
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
}

fn usage(error: impl std::fmt::Display) -> CliError {
    CliError::Usage(error.to_string())
}

impl Target {
    fn path(&self) -> Result<PathBuf, CliError> {
        if self.project {
            return Ok(PathBuf::from(".claude/settings.json"));
        }
        let given = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = given("CLAUDE_CONFIG_DIR").or_else(|| given("HOME").map(|home| home.join(".claude")));
        let folder =
            folder.ok_or_else(|| usage("HOME is not set, so there is no ~/.claude: use --project"))?;
        Ok(folder.join("settings.json"))
    }

    /// Shows what changes, and asks.
    fn confirm(&self, path: &Path, before: &str, after: &str) -> Result<bool, CliError> {
        print(&format!("{}\n{}", path.display(), claude_settings::difference(before, after)))?;
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() {
            return Err(usage(
                "standard input is not a terminal, so nothing was changed: confirm with --yes",
            ));
        }
        print("Change the file? [y/N]")?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

impl Install {
    pub(super) fn run(self) -> Result<(), CliError> {
        self.check_version()?;
        let settings = Settings::read(self.target.path()?)?;
        let after = claude_settings::with_hook(&settings.text, &self.hook()?)
            .map_err(|error| settings.fault(&error))?;
        if after == settings.text {
            return print(&format!("{} already has the hook.", settings.path.display()));
        }
        if !self.target.confirm(&settings.path, &settings.text, &after)? {
            return print("Nothing was changed.");
        }
        settings.check_unchanged()?;
        if settings.exists && !claude_settings::has_hook(&settings.text).unwrap_or(true) {
            write(&settings.backup(), &settings.text)?;
        }
        write(&settings.path, &after)?;
        if self.http {
            return print(
                "Installed. Set COUNTERSIGN_API_KEY in the environment in which Claude Code runs, to a key that is bound \
                 to a user: `countersign key create --backend claude --user alice@example.com` prints one. Without it, \
                 Claude Code runs none of these tools.",
            );
        }
        print(
            "Installed. Set COUNTERSIGN_URL and COUNTERSIGN_API_KEY in the environment in which Claude Code runs, and \
             COUNTERSIGN_USER if the key is not bound to a user. Without them, it runs none of these tools. Then \
             `countersign hook describe` lets people edit and auto-approve what its own tools do.",
        )
    }

    fn hook(&self) -> Result<Hook, CliError> {
        let run = if self.http { Run::Address(self.address()?) } else { self.program()? };
        Ok(Hook { run, matcher: self.matcher.clone(), timeout: self.limit })
    }

    /// The address that Claude Code calls. The backend's name is known there from the key.
    fn address(&self) -> Result<String, CliError> {
        let base = given(self.url.clone()).ok_or_else(|| {
            usage("COUNTERSIGN_URL is not set, so there is no address to call. Set it in the environment, or give --url")
        })?;
        let mut url = client::base(&base).map_err(usage)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", "hooks", "claude-code"]);
        }
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &self.limit.to_string());
        for (server, key) in &self.maps {
            query.append_pair("map", &format!("{server}={key}"));
        }
        drop(query);
        Ok(url.into())
    }

    fn program(&self) -> Result<Run, CliError> {
        // A project's settings are shared, and other machines have the program in other places.
        let program = if self.target.project {
            "countersign".to_owned()
        } else {
            std::env::current_exe()?.to_string_lossy().into_owned()
        };
        if Path::new(&program).file_name().is_none_or(|name| name != "countersign") {
            return Err(usage(format!(
                "{program} is not called countersign: `hook uninstall` would not find it"
            )));
        }
        let mut arguments: Vec<String> =
            ["hook", "--format", "claude", "--limit", &self.limit.to_string()].map(str::to_owned).to_vec();
        arguments.extend(self.backend.iter().flat_map(|backend| ["--backend".to_owned(), backend.clone()]));
        arguments.extend(
            self.maps.iter().flat_map(|(server, key)| ["--map".to_owned(), format!("{server}={key}")]),
        );
        Ok(Run::Program { program, arguments })
    }

    /// Earlier versions run a tool whose hook fails.
    fn check_version(&self) -> Result<(), CliError> {
        let program = self.program.display();
        let output =
            process::Command::new(&self.program).arg("--version").stdin(process::Stdio::null()).output();
        let output = output.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                usage("Claude Code was not found. Install it, or name its program with --program")
            }
            _ => usage(format!(
                "could not run `{program} --version`: {error}. Name Claude Code's program with --program"
            )),
        })?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = claude_settings::version(&said)
            .ok_or_else(|| usage(format!("`{program} --version` printed no version: {}", said.trim())))?;
        if version < FIRST_VERSION {
            let dotted = |version: [u32; 3]| version.map(|part| part.to_string()).join(".");
            return Err(usage(format!(
                "Claude Code {} runs a tool even if its hook fails. Update it to {} or newer: claude update",
                dotted(version),
                dotted(FIRST_VERSION)
            )));
        }
        Ok(())
    }
}

impl Uninstall {
    pub(super) fn run(self) -> Result<(), CliError> {
        let settings = Settings::read(self.target.path()?)?;
        let without =
            claude_settings::without_hook(&settings.text).map_err(|error| settings.fault(&error))?;
        if without == settings.text {
            return print(&format!("{} has no Countersign hook.", settings.path.display()));
        }
        // The file as it was, if nothing else has changed since.
        let backup = fs::read_to_string(settings.backup()).ok();
        let after =
            backup.clone().filter(|backup| claude_settings::is_same(backup, &without)).unwrap_or(without);
        if !self.target.confirm(&settings.path, &settings.text, &after)? {
            return print("Nothing was changed.");
        }
        settings.check_unchanged()?;
        write(&settings.path, &after)?;
        if backup.is_some() {
            fs::remove_file(settings.backup())?;
        }
        print("Uninstalled. Claude Code asks as it did before.")
    }
}

impl Describe {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let client = self.service.client(&Entropy::system())?;
        let key = backend_key(self.backend.as_deref().unwrap_or(Format::Claude.as_str()));
        let until = Instant::now() + DESCRIBE_LIMIT;
        let client_error = |error: ClientError| {
            CliError::Usage(format!("could not describe {key}: {}", HookError::from(error)))
        };
        let late = |_| usage(format!("could not describe {key}: {} did not answer", client.origin()));
        let existing = timeout_at(until, client.get_integration(&key, until)).await.map_err(late)?;
        let existing = existing.map_err(client_error)?;
        let Some(integration) = catalog(Format::Claude, existing.as_ref()) else { return Ok(()) };
        let actions = integration["actions"].as_array().map_or(0, Vec::len);
        let put = timeout_at(until, client.put_integration(&key, integration, until)).await;
        put.map_err(late)?.map_err(client_error)?;
        print(&format!(
            "Described {key} with {actions} actions. They stay locked until an admin unlocks them; every request asks."
        ))
    }
}

/// A settings file. If there is none, its text is empty.
struct Settings {
    path: PathBuf,
    text: String,
    exists: bool,
}

impl Settings {
    fn read(path: PathBuf) -> Result<Self, CliError> {
        // Where a link leads, so that the link stays.
        let path = fs::canonicalize(&path).unwrap_or(path);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self { path, text, exists: true }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Self { path, text: String::new(), exists: false })
            }
            Err(error) => Err(usage(format!("could not read {}: {error}", path.display()))),
        }
    }

    /// Fails if the file has changed since it was read, while the person was asked: the change would be lost.
    fn check_unchanged(&self) -> Result<(), CliError> {
        if Self::read(self.path.clone())?.text == self.text {
            return Ok(());
        }
        Err(usage(format!("{} was changed by another program: run this again", self.path.display())))
    }

    fn backup(&self) -> PathBuf {
        self.path.with_extension("json.before-countersign")
    }

    fn fault(&self, error: &claude_settings::SettingsError) -> CliError {
        usage(format!("could not change {}: {error}", self.path.display()))
    }
}

/// Replaces a file atomically, with the permissions that it has; a new one only for its owner.
fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let fault = |error: std::io::Error| usage(format!("could not write {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fault)?;
    }
    let beside = path.with_extension(format!("json.{}", process::id()));
    let written = (|| {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        if let Ok(metadata) = fs::metadata(path) {
            file.set_permissions(metadata.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        fault(error)
    })
}
