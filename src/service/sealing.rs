//! The audit log: numbering and hashing committed entries, signing checkpoints, and proving what is sealed.
//!
//! A checkpoint is signed for leaves that are committed and never change, salts included. So whatever crashes, and whichever
//! instance signs, two checkpoints of one size have the same root, and a larger one continues a smaller one.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Service, ServiceError, authenticate::BackendCaller, signing::SigningKeys};
use crate::{
    domain::{
        ids::ApprovalId,
        outcome::Outcome,
        sealing::{LogEntry, Opening, Position, Salt},
    },
    jose::keys::PublicKey,
    storage::{
        PgConnection,
        read_models::audit_horizon,
        stored::CorruptRow,
        tables::{audit_log, audit_log::Leaf},
    },
    tlog::{
        merkle::{self, Frontier, Hash, Nodes, TILE_HEIGHT},
        note::{self, Checkpoint, Verifier},
        proof::Proof,
    },
};

/// About how many entries are sealed in one transaction.
const BATCH: i64 = 2_000;
/// The fewest entries that are read of a workspace at once.
const FEWEST: i64 = 16;

/// What one run of the sealer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many entries were sealed.
    pub sealed: usize,
    /// Whether there may be more to seal now.
    pub is_behind: bool,
}

/// Seals entries whose transactions have ended, in the order of the audit. `address` is the service's: with random digits, it
/// names a log that is begun. Does nothing while another instance seals.
#[tracing::instrument(name = "seal_audit_entries", skip_all)]
pub async fn seal(service: &Service, address: &str) -> Result<Progress, ServiceError> {
    let horizon = {
        let mut db = service.db.acquire().await?;
        audit_horizon::read(&mut db).await?
    };
    let mut work = service.begin().await?;
    let nothing = Progress { sealed: 0, is_behind: false };
    if !audit_log::try_lock(&mut work).await? {
        return Ok(nothing);
    }
    let found = audit_log::state(&mut work, true).await?;
    let is_new = found.is_none();
    let state = if let Some(state) = found {
        state
    } else {
        let (origin, now) = (new_origin(service, address), work.now());
        audit_log::begin(&mut work, &origin, now).await?;
        audit_log::state(&mut work, true).await?.ok_or_else(|| corrupt("origin"))?
    };
    let each = BATCH * 2 / audit_log::workspaces(&mut work).await?.max(1);
    let each = each.clamp(FEWEST, BATCH);
    let entries = audit_log::unsealed(&mut work, state.last, horizon, each).await?;
    let Some(last) = entries.last().map(|entry| entry.position) else {
        if is_new {
            work.commit().await?;
        }
        return Ok(nothing);
    };
    let mut tree = frontier(&state)?;
    let (seed, mut leaves, mut nodes) = (service.entropy.bytes(), Vec::new(), Vec::new());
    for entry in &entries {
        let salt = salt(&seed, entry.position);
        let hash = Hash::of_leaf(&entry.record(&salt));
        tree.push(hash, |subtree, hash| {
            if subtree.height > 0 && subtree.height.is_multiple_of(TILE_HEIGHT) {
                let level = u8::try_from(subtree.height / TILE_HEIGHT).unwrap_or(u8::MAX);
                nodes.push((level, subtree.index, hash.0));
            }
        });
        let ended = Outcome::ALL.iter().any(|outcome| entry.what == outcome.event());
        let approval = entry.approval.filter(|_| ended);
        leaves.push(Leaf { id: entry.position.id, approval, salt, hash: hash.0 });
    }
    audit_log::add_leaves(&mut work, state.size, &leaves).await?;
    audit_log::add_nodes(&mut work, &nodes).await?;
    audit_log::advance(&mut work, tree.size(), &tree.to_bytes(), last).await?;
    audit_log::commit_durably(&mut work).await?;
    work.commit().await?;
    let sealed = leaves.len();
    Ok(Progress { sealed, is_behind: i64::try_from(sealed).is_ok_and(|sealed| sealed >= each) })
}

/// The name of a new log: the service's address, and digits that tell it from an earlier log of the same service.
fn new_origin(service: &Service, address: &str) -> String {
    let name = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    let allowed = |letter: char| if letter.is_whitespace() || letter == '+' { '-' } else { letter };
    let name: String = name.chars().map(allowed).collect();
    let [a, b, c, d, ..] = service.entropy.bytes();
    format!("{name}/audit/{a:02x}{b:02x}{c:02x}{d:02x}")
}

/// The salt of an entry, from random bytes that are forgotten after the batch.
fn salt(seed: &[u8; 32], position: Position) -> Salt {
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(position.to_string());
    let digest = <[u8; 32]>::from(hash.finalize());
    let mut salt = Salt::default();
    salt.copy_from_slice(&digest[..16]);
    salt
}

fn corrupt(column: &'static str) -> ServiceError {
    sqlx::Error::from(CorruptRow { table: "audit_log", column, id: "true".to_owned() }).into()
}

fn frontier(state: &audit_log::State) -> Result<Frontier, ServiceError> {
    Frontier::from_bytes(state.size, &state.frontier).ok_or_else(|| corrupt("frontier"))
}

/// Signs a checkpoint of what is sealed, unless the last one has that size. Returns the last checkpoint's size.
#[tracing::instrument(name = "sign_checkpoint", skip_all)]
pub async fn sign(service: &Service, keys: &dyn SigningKeys) -> Result<u64, ServiceError> {
    let state = {
        let mut db = service.db.acquire().await?;
        audit_log::state(&mut db, false).await?
    };
    let Some(state) = state.filter(|state| state.size > state.checkpoint_size) else { return Ok(0) };
    let root = frontier(&state)?.root();
    let checkpoint = Checkpoint { origin: state.origin, size: state.size, root };
    let key = keys.current(service).await?;
    let signature = keys.sign(service, key, checkpoint.text().as_bytes()).await?;
    let verifier = Verifier::of_log(&checkpoint.origin, key);
    let signed = note::signed(&checkpoint, &verifier, &signature);
    let mut db = service.db.acquire().await?;
    audit_log::save_checkpoint(&mut db, &checkpoint.origin, checkpoint.size, &signed).await?;
    Ok(checkpoint.size)
}

/// The last checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// With its signature.
    pub signed: String,
}

/// The last checkpoint. `None`: none was signed yet.
pub async fn last_checkpoint(service: &Service) -> Result<Option<Last>, ServiceError> {
    let mut db = service.db.acquire().await?;
    read_last(&mut db).await
}

async fn read_last(db: &mut PgConnection) -> Result<Option<Last>, ServiceError> {
    let Some(signed) = audit_log::state(db, false).await?.and_then(|state| state.checkpoint) else {
        return Ok(None);
    };
    let checkpoint = note::read_unverified(&signed).map_err(|_| corrupt("checkpoint"))?;
    Ok(Some(Last { checkpoint, signed }))
}

/// The keys that may have signed checkpoints of this log.
#[must_use]
pub fn verifiers(origin: &str, keys: &[PublicKey]) -> Vec<Verifier> {
    keys.iter().map(|key| Verifier::of_log(origin, *key)).collect()
}

/// The stored nodes that the hashes of these parts are computed of.
async fn nodes(db: &mut PgConnection, parts: &[Range<u64>]) -> Result<Nodes, ServiceError> {
    let mut nodes = Nodes::new();
    for (level, numbers) in merkle::needed(parts) {
        let hashes = audit_log::hashes(db, level, numbers).await?;
        nodes.extend(hashes.into_iter().map(|(number, hash)| ((level, number), Hash(hash))));
    }
    Ok(nodes)
}

/// The root of the first entries. `None`: so many are not sealed.
pub async fn root_at(service: &Service, size: u64) -> Result<Option<Hash>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let whole = 0..size;
    let nodes = nodes(&mut db, std::slice::from_ref(&whole)).await?;
    Ok(merkle::hash(&whole, &nodes))
}

/// The log's name. `None`: it was not begun yet.
pub async fn origin(service: &Service) -> Result<Option<String>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(audit_log::state(&mut db, false).await?.map(|state| state.origin))
}

/// A proof that an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry's record: what the leaf is the hash of.
    pub record: String,
    /// The proof, with the checkpoint.
    pub proof: Proof,
}

/// The proof that the entry which ended an approval is in the log. `None`: no checkpoint has it yet, or it was dropped.
pub async fn proof_of_approval(
    service: &Service,
    approval: ApprovalId,
) -> Result<Option<EntryProof>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(number) = audit_log::number_of_approval(&mut db, approval).await? else { return Ok(None) };
    entry_proof(&mut db, number).await
}

/// The proof that an entry of the caller's workspace is in the log. `None`: no checkpoint has it.
pub async fn proof_of_entry(
    service: &Service,
    caller: BackendCaller,
    position: Position,
) -> Result<Option<EntryProof>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let number = audit_log::number_of_entry(&mut db, caller.workspace, position).await?;
    let Some(number) = number else { return Ok(None) };
    entry_proof(&mut db, number).await
}

async fn entry_proof(db: &mut PgConnection, number: u64) -> Result<Option<EntryProof>, ServiceError> {
    let Some(Last { checkpoint, signed }) = read_last(db).await? else { return Ok(None) };
    let Some(parts) = merkle::inclusion(number, checkpoint.size) else { return Ok(None) };
    let Some(sealed) = audit_log::sealed(db, number..number + 1).await?.pop() else { return Ok(None) };
    let Some(entry) = sealed.entry else { return Ok(None) };
    let nodes = nodes(db, &parts).await?;
    let Some(path) = merkle::hashes(&parts, &nodes) else { return Ok(None) };
    let record = String::from_utf8(entry.record(&sealed.salt)).map_err(|_| corrupt("checkpoint"))?;
    Ok(Some(EntryProof { record, proof: Proof { index: number, path, checkpoint: signed } }))
}

/// A proof that the log of the last checkpoint begins with an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The last checkpoint.
    pub last: Last,
    /// The hashes.
    pub path: Vec<Hash>,
}

/// The proof that the log of the last checkpoint begins with its first `size` entries, as an earlier checkpoint has them.
/// `None`: no checkpoint has so many.
pub async fn consistency(service: &Service, size: u64) -> Result<Option<ConsistencyProof>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let Some(last) = read_last(&mut db).await? else { return Ok(None) };
    let Some(parts) = merkle::consistency(size, last.checkpoint.size) else { return Ok(None) };
    let nodes = nodes(&mut db, &parts).await?;
    let path = merkle::hashes(&parts, &nodes).ok_or_else(|| corrupt("size"))?;
    Ok(Some(ConsistencyProof { last, path }))
}

/// A part of the log, for an export.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The records. `None`: the entry was dropped, or removed.
    pub entries: Vec<Option<LogEntry>>,
    /// Their salts.
    pub salts: Vec<Salt>,
}

impl Exported {
    /// Each entry's record, and the line that opens it.
    pub fn lines(&self, first: u64) -> impl Iterator<Item = Option<(Vec<u8>, Opening)>> {
        self.entries.iter().zip(&self.salts).zip(first..).map(|((entry, salt), number)| {
            let entry = entry.as_ref()?;
            Some((entry.record(salt), entry.opening(number, salt)))
        })
    }
}

/// The entries with these numbers, all of which are sealed.
pub async fn entries(service: &Service, numbers: Range<u64>) -> Result<Exported, ServiceError> {
    let mut db = service.db.acquire().await?;
    let sealed = audit_log::sealed(&mut db, numbers.clone()).await?;
    let (mut entries, mut salts) = (Vec::new(), Vec::new());
    let mut rows = sealed.into_iter().peekable();
    for number in numbers {
        // A leaf that someone removed is missing, like its entry.
        let row = rows.next_if(|row| row.number == number);
        salts.push(row.as_ref().map_or_else(Salt::default, |row| row.salt));
        entries.push(row.and_then(|row| row.entry));
    }
    Ok(Exported { entries, salts })
}

/// The hashes of a level of tiles with these numbers. In place of one that someone removed there are zeros, so that a verifier
/// says which it is.
pub async fn hashes(service: &Service, level: u8, numbers: Range<u64>) -> Result<Vec<Hash>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let stored = audit_log::hashes(&mut db, level, numbers.clone()).await?;
    let mut stored = stored.into_iter().peekable();
    let at = |number| stored.next_if(|(stored, _)| *stored == number).map_or([0; 32], |(_, hash)| hash);
    Ok(numbers.map(at).map(Hash).collect())
}

/// How many entries without a leaf are listed.
const LISTED: i64 = 10_000;

/// Entries that are not in the log of this size: those that were not sealed yet, and any that were put before the sealed ones. It reads the
/// whole audit.
pub async fn unsealed(service: &Service, size: u64) -> Result<Vec<Value>, ServiceError> {
    let mut db = service.db.acquire().await?;
    let found = audit_log::without_leaf(&mut db, size, LISTED).await?;
    let line = |entry: audit_log::Unsealed| {
        let at: DateTime<Utc> = entry.at;
        json!({ "position": entry.position.to_string(), "at": at, "what": entry.what })
    };
    Ok(found.into_iter().map(line).collect())
}

/// Begins another log with the next sealing. Needs the rights of the tables' owner.
pub async fn restart(service: &Service) -> Result<(), ServiceError> {
    let mut work = service.begin().await?;
    audit_log::restart(&mut work).await?;
    work.commit().await
}
