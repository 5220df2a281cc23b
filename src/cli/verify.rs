//! `countersign verify`: what a receipt says, if the service signed it.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    app,
    cli::{error::CliError, output::print},
    domain::{arguments::Arguments, sealing::Record},
    jose::jws::{self, KeySet},
    tlog::{
        merkle::Hash,
        note::{self, Verifier},
        proof::Proof,
    },
    wire::receipt::{LimitsJson, ReceiptJson, TYPE, VERSION},
};

/// Time limit for fetching the keys.
const LIMIT: Duration = Duration::from_secs(10);
/// The largest file or key set that is read, in bytes.
const LARGEST: u64 = 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(super) struct Command {
    /// The file with the receipt, as the service sent it; - for standard input
    #[arg(value_name = "RECEIPT")]
    receipt: PathBuf,
    /// The service's public keys: a file, or the address of its /.well-known/jwks.json
    #[arg(long, value_name = "FILE|URL")]
    jwks: String,
    /// Also check that these arguments, a JSON object, are those that were approved
    #[arg(long, value_name = "FILE")]
    arguments: Option<PathBuf>,
}

impl Command {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let receipt = read(&self.receipt)?;
        let arguments = self.arguments.as_deref().map(read).transpose()?;
        let keys = key_set(&self.jwks).await?;
        let (receipt, kid) = verified(&receipt, &keys)?;
        let sealed = sealed(&receipt, &keys)?;
        print(&sentences(&receipt, &kid))?;
        print(&printable(&sealed))?;
        arguments.map_or(Ok(()), |arguments| compare(&receipt, &arguments))
    }
}

/// The keys in a file or at an address.
pub(super) async fn key_set(place: &str) -> Result<KeySet, CliError> {
    let keys = if place.starts_with("https://") || place.starts_with("http://") {
        fetch(place).await?
    } else {
        read(Path::new(place))?
    };
    KeySet::read(&keys).map_err(|fault| CliError::Usage(fault.to_string()))
}

/// The receipt in a file, and the id of the key that signed it. Editors and shells may add one line end.
fn verified(file: &[u8], keys: &KeySet) -> Result<(ReceiptJson, String), CliError> {
    let invalid = |why: String| CliError::Receipt(format!("The receipt is not valid: {why}."));
    let text = std::str::from_utf8(file).map_err(|_| invalid(jws::Fault::Form.to_string()))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let verified = jws::verify(text, TYPE, keys).map_err(|fault| invalid(fault.to_string()))?;
    let version = &verified.payload["version"];
    if *version != VERSION {
        return Err(invalid(format!(
            "this program reads version {VERSION} of receipts, and it has version {version}"
        )));
    }
    let receipt = serde_json::from_value(verified.payload);
    let receipt = receipt.map_err(|error| invalid(format!("its payload is not a receipt's: {error}")))?;
    Ok((receipt, verified.kid))
}

/// What the receipt proves of the audit log. An error: its proof is wrong.
fn sealed(receipt: &ReceiptJson, keys: &KeySet) -> Result<String, CliError> {
    let Some(log) = &receipt.log else {
        return Ok(
            "It has no proof of the audit log: the entry was not sealed yet when it was signed.".to_owned()
        );
    };
    let invalid =
        |why: String| CliError::Receipt(format!("The receipt's proof of the audit log is not valid: {why}."));
    let proof = Proof::parse(&log.proof).map_err(|why| invalid(why.to_string()))?;
    let origin = note::origin(&proof.checkpoint).unwrap_or_default();
    let log_keys: Vec<Verifier> = keys.keys().map(|key| Verifier::of_log(origin, key)).collect();
    let opened = proof.verify(Hash::of_leaf(log.record.as_bytes()), &log_keys, &[]);
    let checkpoint = opened.map_err(|why| invalid(why.to_string()))?.checkpoint;
    let record = Record::read(log.record.as_bytes()).map_err(|why| invalid(format!("the record {why}")))?;
    let outcome = format!("approval.{}", receipt.decision.outcome);
    if record.approval.as_ref() != Some(&receipt.approval) || record.what != outcome {
        return Err(invalid("it proves another entry".to_owned()));
    }
    Ok(format!(
        "Entry {} of the audit log {} says so: {} at {}. The checkpoint of {} entries seals it.",
        proof.index, checkpoint.origin, record.what, record.at, checkpoint.size
    ))
}

/// Compares arguments with those that were approved, or else with those that were asked.
fn compare(receipt: &ReceiptJson, arguments: &[u8]) -> Result<(), CliError> {
    let arguments: Arguments = read_arguments(arguments)?;
    let (digest, asked) = (arguments.digest().to_string(), &receipt.arguments_digest);
    let was = if receipt.decision.outcome == "approved" { "approved" } else { "asked for" };
    let expected = receipt.approved_digest().unwrap_or(asked);
    if digest == expected {
        return print(&format!("The arguments are those that were {was}: {digest}."));
    }
    let before = if digest == *asked { " They were asked for, and the user changed them." } else { "" };
    Err(CliError::OtherArguments(format!(
        "The arguments are not those that were {was}: their digest is {digest}, not {expected}.{before}"
    )))
}

fn read_arguments(json: &[u8]) -> Result<Arguments, CliError> {
    let wrong = |why: &str| CliError::Usage(format!("the arguments can't be read: the file {why}"));
    match crate::domain::arguments::Exact::read(json).map_err(|why| wrong(&why))?.0 {
        serde_json::Value::Object(members) => Ok(Arguments::from_stored(members)),
        _ => Err(wrong("must contain a JSON object")),
    }
}

/// What the receipt says, in plain sentences. Every text in it was signed by the service, and some were chosen by others:
/// control characters are escaped.
fn sentences(receipt: &ReceiptJson, kid: &str) -> String {
    let decision = &receipt.decision;
    let action = format!("{}.{}", receipt.integration, receipt.action);
    let mut lines = vec![
        format!("Valid: {} signed this receipt with the key {kid}.", receipt.iss),
        format!(
            "Agent {} of backend {} asked {} in workspace {} to run {action} ({}), in conversation {}, at {}.",
            receipt.agent,
            receipt.backend,
            receipt.user,
            receipt.workspace,
            receipt.action_version,
            receipt.conversation,
            receipt.created_at
        ),
        format!(
            "The approval is {}. The digest of the arguments is {}.",
            receipt.approval, receipt.arguments_digest
        ),
        ended(receipt),
    ];
    if let Some(grant) = &decision.grant {
        let verb = if decision.by == "auto" { "It was decided by" } else { "The decision left" };
        lines.push(format!(
            "{verb} the grant {grant}{}.",
            decision.grant_limits.as_ref().map(limits).unwrap_or_default()
        ));
    }
    if let Some(digest) = &decision.arguments_digest {
        lines.push(format!("The user changed the arguments. The digest of what was approved is {digest}."));
    }
    lines.push(match receipt.prompt_digests.as_slice() {
        [] => "No digest of a prompt is recorded.".to_owned(),
        digests => format!("What the prompt showed has the digest {}.", digests.join(", ")),
    });
    lines.push(match &receipt.result {
        None => "No result was reported.".to_owned(),
        Some(result) => format!(
            "The backend reported at {} that the call {}; the digest of its report is {}.",
            result.reported_at, result.status, result.digest
        ),
    });
    lines.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n")
}

fn ended(receipt: &ReceiptJson) -> String {
    let decision = &receipt.decision;
    let by = match (decision.by.as_str(), &decision.user) {
        (_, Some(user)) => user.clone(),
        ("auto", None) if decision.grant.is_some() => "a grant of the user".to_owned(),
        ("auto", None) => "the service".to_owned(),
        ("backend", None) => "the backend".to_owned(),
        (other, None) => other.to_owned(),
    };
    let behalf =
        decision.on_behalf_of.as_ref().map(|user| format!(" on behalf of {user}")).unwrap_or_default();
    let scope = decision.scope.as_ref().map(|scope| format!(", scope {scope}")).unwrap_or_default();
    format!("It ended at {}: {} by {by}{behalf}{scope}.", decision.decided_at, decision.outcome)
}

fn limits(limits: &LimitsJson) -> String {
    let mut parts = Vec::new();
    if !limits.fixed_arguments.is_empty() {
        parts.push(format!("fixed arguments {}", limits.fixed_arguments.join(", ")));
    }
    parts.extend(limits.agent.as_ref().map(|agent| format!("agent {agent}")));
    parts.extend(limits.expires_at.as_ref().map(|at| format!("until {at}")));
    parts.extend(limits.max_uses.map(|uses| format!("{uses} uses")));
    format!(", limited to: {}", parts.join("; "))
}

/// Text without characters that could change how a terminal shows the rest.
fn printable(text: &str) -> String {
    let visible = |letter: char| {
        let hidden = matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        if letter.is_control() || hidden { letter.escape_unicode().to_string() } else { letter.to_string() }
    };
    text.chars().map(visible).collect()
}

/// The content of a file, or of standard input for `-`.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let fault =
        |error: std::io::Error| CliError::Usage(format!("could not read {}: {error}", file.display()));
    let mut content = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut content).map_err(fault)?;
    } else {
        let open = std::fs::File::open(file).map_err(fault)?;
        open.take(LARGEST + 1).read_to_end(&mut content).map_err(fault)?;
    }
    if content.len() as u64 > LARGEST {
        return Err(CliError::Usage(format!("{} is larger than 1 MiB", file.display())));
    }
    Ok(content)
}

/// The keys at an address. Redirects are not followed: the address says whom to trust.
async fn fetch(url: &str) -> Result<Vec<u8>, CliError> {
    let failed = |why: String| CliError::Usage(format!("could not fetch the keys from {url}: {why}"));
    let parsed = url::Url::parse(url).map_err(|error| failed(error.to_string()))?;
    let local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if parsed.scheme() != "https" && !local {
        return Err(failed("use https, or anyone on the way could change them".to_owned()));
    }
    let client = app::keys_http(LIMIT)?;
    let mut response = client.get(parsed).send().await.map_err(|error| failed(reason(&error)))?;
    if !response.status().is_success() {
        return Err(failed(format!("the server answered {}", response.status())));
    }
    let mut content = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(reason(&error)))? {
        content.extend_from_slice(&chunk);
        if content.len() as u64 > LARGEST {
            return Err(failed("the answer is larger than 1 MiB".to_owned()));
        }
    }
    Ok(content)
}

/// The innermost reason, which says most.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
