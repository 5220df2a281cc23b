//! `countersign audit verify`, `export-log` and `begin-log`: the log that seals the audit.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        args,
        error::CliError,
        output::print,
        verify::{key_set, read},
    },
    config::DatabaseConfig,
    jobs::log_export,
    log_files::verify::{self, Keys, Report, Since},
    service::sealing,
    tlog::note::{Kind, Verifier},
};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The directory with the log
    #[arg(value_name = "EXPORT")]
    directory: PathBuf,
    /// The service's public keys: a file, or the address of its /.well-known/jwks.json
    #[arg(long, value_name = "FILE|URL", required_unless_present = "key")]
    jwks: Option<String>,
    /// A key of the log, as NAME+ID+KEY. Repeat it for several
    #[arg(long, value_name = "KEY", value_parser = verifier)]
    key: Vec<Verifier>,
    /// A checkpoint that you kept earlier: also check that everything it sealed is unchanged. Repeat it for several
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// A witness' key, as NAME+ID+KEY. The checkpoint must have its cosignature. Repeat it for several
    #[arg(long, value_name = "KEY", value_parser = verifier)]
    witness: Vec<Verifier>,
    /// The first entry that the export must have. Earlier ones, which were dropped after the retention time, are proven by
    /// their hashes only
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    first: u64,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The directory to write to. What it has of the log is kept
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Debug, Args)]
pub(super) struct Begin {
    /// Confirms that proofs and checkpoints of the present log can't be continued
    #[arg(long, required = true)]
    abandon_present_log: bool,
    #[command(flatten)]
    database: DatabaseConfig,
}

fn verifier(text: &str) -> Result<Verifier, String> {
    Verifier::parse(text).map_err(|why| why.to_string())
}

impl Verify {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let mut keys = Keys::default();
        if let Some(jwks) = &self.jwks {
            keys.service = key_set(jwks).await?.keys().collect();
        }
        let wrong =
            |key: &Verifier, kind: &str| CliError::Usage(format!("{} is not a {kind}'s key", key.name));
        for key in self.key {
            if key.kind != Kind::Log {
                return Err(wrong(&key, "log"));
            }
            keys.log.push(key);
        }
        for key in self.witness {
            if key.kind != Kind::Witness {
                return Err(wrong(&key, "witness"));
            }
            keys.witnesses.push(key);
        }
        let mut since = Vec::new();
        for file in &self.since {
            let invalid = |why: String| {
                CliError::Receipt(format!("The checkpoint {} is not valid: {why}.", file.display()))
            };
            let note = String::from_utf8(read(file)?).map_err(|_| invalid("it is not text".to_owned()))?;
            let opened = keys.open(&note).map_err(|why| invalid(why.to_string()))?;
            since.push(Since { name: file.display().to_string(), checkpoint: opened.checkpoint });
        }
        let (directory, first, known) = (self.directory, self.first, keys.clone());
        let names: Vec<String> = since.iter().map(|since| since.name.clone()).collect();
        let verified =
            tokio::task::spawn_blocking(move || verify::verify(&directory, &known, &since, first)).await;
        let report = verified
            .map_err(|error| CliError::Usage(error.to_string()))?
            .map_err(|error| CliError::Usage(error.to_string()))?;
        let absent = keys.witnesses.iter().find(|witness| !report.witnesses.contains(&witness.name));
        match absent {
            Some(witness) if report.is_valid() => Err(CliError::Receipt(format!(
                "The log is not verified: {} has not cosigned the checkpoint.",
                witness.name
            ))),
            _ => print_report(&report, &names),
        }
    }
}

fn print_report(report: &Report, since: &[String]) -> Result<(), CliError> {
    if !report.is_valid() {
        let mut lines = vec!["The log is not valid:".to_owned()];
        lines.extend(report.faults.iter().map(|fault| format!("- {fault}")));
        if report.more > 0 {
            lines.push(format!("- And {} more.", report.more));
        }
        return Err(CliError::Receipt(lines.join("\n")));
    }
    if let Some(checkpoint) = &report.checkpoint {
        print(&format!(
            "Valid: the log {} has {} entries, as its checkpoint seals them.",
            checkpoint.origin, checkpoint.size
        ))?;
    }
    for name in since {
        print(&format!("It continues {name}: nothing that was sealed then is missing or was changed."))?;
    }
    for witness in &report.witnesses {
        print(&format!("{witness} cosigned the checkpoint."))?;
    }
    if report.hashes_only > 0 {
        print(&format!(
            "{} entries are not in the export, and are proven by their hashes only.",
            report.hashes_only
        ))?;
    }
    if !report.unsealed.is_empty() {
        print(&format!("Not sealed yet, and outside of what is proven: {} entries.", report.unsealed.len()))?;
        report.unsealed.iter().try_for_each(|line| print(&format!("- {line}")))?;
    }
    Ok(())
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        let done = log_export::copy(&service, &self.directory).await;
        match done.map_err(|failure| CliError::Usage(failure.to_string()))? {
            None => print("Nothing is sealed yet: `countersign serve` seals the audit."),
            Some(last) => print(&format!(
                "Exported {} entries of the log {} to {}.",
                last.checkpoint.size,
                last.checkpoint.origin,
                self.directory.display()
            )),
        }
    }
}

impl Begin {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let service = args::open(&self.database)?;
        sealing::restart(&service).await?;
        print(
            "The present log is abandoned. The service begins another one within seconds: set another directory in COUNTERSIGN_LOG_EXPORT.",
        )
    }
}
