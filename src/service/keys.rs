//! Encrypting all stored secrets with the newest encryption key: row by row under the row's lock, while instances run.

use uuid::Uuid;

use super::{Service, ServiceError, retrying};
use crate::storage::{
    PgConnection,
    statements::{
        reencrypt,
        reencrypt::{Row, Table},
    },
};

/// The result of an encryption run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Resealed {
    /// The number of rows that contain a secret.
    pub rows: usize,
    /// The number of those rows that were encrypted again.
    pub changed: usize,
}

/// Decrypts every stored secret, and encrypts it with the first of the configured keys. Stops at the first secret that
/// no configured key decrypts. Rows done before that stay done, and the run can be repeated.
#[tracing::instrument(name = "rotate_encryption", skip_all)]
pub async fn rotate(service: &Service) -> Result<Resealed, ServiceError> {
    let mut done = Resealed::default();
    for table in Table::ALL {
        for id in ids(service, table).await? {
            done.rows += 1;
            done.changed += usize::from(retrying!(reseal(service, table, id))?);
        }
    }
    Ok(done)
}

/// The number of rows with a value that is not encrypted with the first key.
pub async fn outdated(service: &Service) -> Result<usize, ServiceError> {
    let mut count = 0;
    let mut db = service.db.acquire().await?;
    for table in Table::ALL {
        for id in reencrypt::ids(&mut db, table).await? {
            let row = reencrypt::find(&mut db, table, id).await?;
            for value in row.into_iter().flatten().flatten() {
                service.sealer.open(&value, id)?;
                if !service.sealer.is_newest(&value) {
                    count += 1;
                    break;
                }
            }
        }
    }
    Ok(count)
}

async fn ids(service: &Service, table: Table) -> Result<Vec<Uuid>, ServiceError> {
    let mut db = service.db.acquire().await?;
    Ok(reencrypt::ids(&mut db, table).await?)
}

async fn reseal(service: &Service, table: Table, id: Uuid) -> Result<bool, ServiceError> {
    let mut work = service.begin().await?;
    let db: &mut PgConnection = &mut work;
    let Some(row) = reencrypt::lock(db, table, id).await? else { return Ok(false) };
    let mut changed = false;
    let mut fresh: Row = [None, None];
    for (value, slot) in row.into_iter().zip(fresh.iter_mut()) {
        let Some(value) = value else { continue };
        let secret = service.sealer.open(&value, id)?;
        if service.sealer.is_newest(&value) {
            *slot = Some(value);
        } else {
            *slot = Some(service.sealer.seal(&secret, id, &service.entropy));
            changed = true;
        }
    }
    if changed {
        reencrypt::store(db, table, id, &fresh).await?;
        work.commit().await?;
    }
    Ok(changed)
}
