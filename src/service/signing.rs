//! The keys that sign receipts. Where the private ones are is behind [`SigningKeys`]; the public ones are in the database,
//! for as long as receipts may be verified.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{BoxFuture, FutureExt as _};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Service, ServiceError};
use crate::{
    jose::keys::{PrivateKey, PublicKey},
    seal::SealError,
    storage::{
        stored::CorruptRow,
        tables::{signing_keys, signing_keys::Stored},
    },
};

/// How long clients may keep the published keys.
pub const PUBLISHED_FOR: TimeDelta = TimeDelta::minutes(5);

/// For how long a new key is published before it signs: longer than any client keeps the keys that it fetched before.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// How often a key is stored before the call gives up. Each lost attempt means that another instance stored one.
const ATTEMPTS: usize = 5;

/// Where the private keys are. A key management service would be a third implementation.
pub trait SigningKeys: std::fmt::Debug + Send + Sync {
    /// The key that signs now. It is published.
    fn current<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<PublicKey, ServiceError>>;

    /// Signs a message with a key that was current a moment ago.
    fn sign<'a>(
        &'a self,
        service: &'a Service,
        key: PublicKey,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ServiceError>>;
}

/// Keys in the database, sealed like its other secrets. The first is made when it is first needed.
#[derive(Debug, Default)]
pub struct DatabaseKeys;

impl SigningKeys for DatabaseKeys {
    fn current<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<PublicKey, ServiceError>> {
        async move { public(&ensure_current(service).await?) }.boxed()
    }

    fn sign<'a>(
        &'a self,
        service: &'a Service,
        key: PublicKey,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ServiceError>> {
        async move { Ok(open(service, &key).await?.sign(message)) }.boxed()
    }
}

/// Keys that the configuration names as files: the first signs, and all are published.
#[derive(Debug)]
pub struct FileKeys {
    first: PrivateKey,
    others: Vec<PublicKey>,
}

impl FileKeys {
    /// `None`: there is no key.
    #[must_use]
    pub fn new(keys: Vec<PrivateKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let first = keys.next()?;
        Some(Self { first, others: keys.map(|key| key.public()).collect() })
    }
}

impl SigningKeys for FileKeys {
    fn current<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<PublicKey, ServiceError>> {
        async move {
            let first = self.first.public();
            for key in self.others.iter().chain([&first]) {
                publish(service, key).await?;
            }
            Ok(first)
        }
        .boxed()
    }

    fn sign<'a>(
        &'a self,
        _: &'a Service,
        _: PublicKey,
        message: &'a [u8],
    ) -> BoxFuture<'a, Result<Vec<u8>, ServiceError>> {
        async move { Ok(self.first.sign(message)) }.boxed()
    }
}

/// Every public key that signed a receipt, or will, the oldest first.
pub async fn published(service: &Service, keys: &dyn SigningKeys) -> Result<Vec<PublicKey>, ServiceError> {
    keys.current(service).await?;
    list(service).await?.iter().map(public).collect()
}

/// The result of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The id of the key that signs from `signs_from` on.
    pub kid: String,
    /// When it begins to sign.
    pub signs_from: DateTime<Utc>,
    /// Whether it was made by this call. An earlier one's key that does not sign yet is not made twice.
    pub is_new: bool,
}

/// Makes a key that signs after [`OVERLAP`], or at once. Until then the present one signs. The private halves of keys
/// before the present one are deleted. If the present one can't be opened, a key that signs at once replaces it permanently.
#[tracing::instrument(name = "rotate_signing_key", skip_all)]
pub async fn rotate(service: &Service, at_once: bool) -> Result<Rotation, ServiceError> {
    let current = ensure_current(service).await?;
    let kept_from = match open(service, &public(&current)?).await {
        // Lost. A command without the encryption key would store the new one unencrypted.
        Err(ServiceError::Sealed(_)) if at_once && service.sealer.has_key() => current.number + 1,
        opened => opened.map(|_| current.number)?,
    };
    for _ in 0..ATTEMPTS {
        let now = service.now();
        let keys = list(service).await?;
        let waiting = keys.iter().find(|key| key.private_key.is_some() && key.signs_from > now);
        let done = match waiting {
            Some(key) if at_once => {
                let mut db = service.db.acquire().await?;
                signing_keys::sign_from(&mut db, key.id, now).await?;
                Some(Rotation { kid: key.kid.clone(), signs_from: now, is_new: false })
            }
            Some(key) => Some(Rotation { kid: key.kid.clone(), signs_from: key.signs_from, is_new: false }),
            None => {
                let signs_from = if at_once { now } else { now + OVERLAP };
                let key = make(service, &keys, signs_from)?;
                let mut db = service.db.acquire().await?;
                let is_new = signing_keys::insert(&mut db, &key).await?;
                is_new.then_some(Rotation { kid: key.kid, signs_from, is_new })
            }
        };
        if let Some(done) = done {
            let mut db = service.db.acquire().await?;
            signing_keys::delete_private_before(&mut db, kept_from).await?;
            return Ok(done);
        }
    }
    Err(contended())
}

/// Every key, the oldest first, for the operator.
pub async fn list(service: &Service) -> Result<Vec<Stored>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(signing_keys::list(&mut db).await?)
}

/// Which of these keys signs now: the newest whose time has come, or else the oldest.
#[must_use]
pub fn signing_now(keys: &[Stored], now: DateTime<Utc>) -> Option<&Stored> {
    let mut held = keys.iter().filter(|key| key.private_key.is_some());
    let newest = held.clone().rev().find(|key| key.signs_from <= now);
    newest.or_else(|| held.next())
}

/// Whether the key that signs now opens. `None`: none was made yet.
pub async fn check(service: &Service) -> Result<Option<String>, ServiceError> {
    let keys = list(service).await?;
    let Some(current) = signing_now(&keys, service.now()) else { return Ok(None) };
    open(service, &public(current)?).await?;
    Ok(Some(current.kid.clone()))
}

async fn ensure_current(service: &Service) -> Result<Stored, ServiceError> {
    for _ in 0..ATTEMPTS {
        let keys = list(service).await?;
        if let Some(current) = signing_now(&keys, service.now()) {
            return Ok(current.clone());
        }
        let key = make(service, &keys, service.now())?;
        let mut db = service.db.acquire().await?;
        if signing_keys::insert(&mut db, &key).await? {
            tracing::info!(kid = key.kid, "Signing key created");
        }
    }
    Err(contended())
}

/// Publishes a key whose private half is kept elsewhere.
async fn publish(service: &Service, key: &PublicKey) -> Result<(), ServiceError> {
    let kid = key.kid();
    for _ in 0..ATTEMPTS {
        let keys = list(service).await?;
        if keys.iter().any(|stored| stored.kid == kid) {
            return Ok(());
        }
        let row = row(service, &keys, key, service.now());
        let mut db = service.db.acquire().await?;
        signing_keys::insert(&mut db, &row).await?;
    }
    Err(contended())
}

fn row(service: &Service, keys: &[Stored], key: &PublicKey, signs_from: DateTime<Utc>) -> Stored {
    Stored {
        id: service.new_id(),
        number: keys.last().map_or(1, |last| last.number + 1),
        kid: key.kid(),
        public_key: key.bytes().to_vec(),
        private_key: None,
        signs_from,
        created_at: service.now(),
    }
}

fn make(service: &Service, keys: &[Stored], signs_from: DateTime<Utc>) -> Result<Stored, ServiceError> {
    let seed = service.entropy.bytes();
    let key = PrivateKey::from_seed(&seed).map_err(|_| SealError::Forged)?;
    let mut row = row(service, keys, &key.public(), signs_from);
    let secret = SecretString::from(STANDARD.encode(seed));
    row.private_key = Some(service.sealer.seal(&secret, row.id, &service.entropy));
    Ok(row)
}

fn public(key: &Stored) -> Result<PublicKey, ServiceError> {
    let corrupt = || CorruptRow { table: "signing_keys", column: "public_key", id: key.id.to_string() };
    let public = PublicKey::new(&key.public_key).map_err(|_| sqlx::Error::from(corrupt()))?;
    if public.kid() == key.kid { Ok(public) } else { Err(sqlx::Error::from(corrupt()).into()) }
}

async fn open(service: &Service, key: &PublicKey) -> Result<PrivateKey, ServiceError> {
    let kid = key.kid();
    let keys = list(service).await?;
    let found = keys.iter().find(|stored| stored.kid == kid);
    let Some((stored, sealed)) = found.and_then(|stored| Some((stored, stored.private_key.as_ref()?))) else {
        // Two rotations since it was current.
        return Err(contended());
    };
    let secret = service.sealer.open(sealed, stored.id)?;
    let seed = STANDARD.decode(secret.expose_secret()).map_err(|_| SealError::Forged)?;
    let private = PrivateKey::from_seed(&seed).map_err(|_| SealError::Forged)?;
    if private.public() == *key { Ok(private) } else { Err(SealError::Forged.into()) }
}

/// Others changed the keys again and again. Another attempt succeeds.
fn contended() -> ServiceError {
    sqlx::Error::PoolTimedOut.into()
}
