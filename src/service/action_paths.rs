//! Which actions a typed name means.

use super::{Service, ServiceError};
use crate::{
    domain::{
        action_path::ActionPath,
        ids::{ActionId, WorkspaceId},
        text::{ActionKey, IntegrationKey},
    },
    storage::{self, PgConnection},
};

/// The actions of the workspace that a name can mean. More than one only if their keys contain dots.
pub(super) async fn existing(
    db: &mut PgConnection,
    workspace: WorkspaceId,
    path: &ActionPath,
) -> Result<Vec<(ActionId, (IntegrationKey, ActionKey))>, ServiceError> {
    let mut found = Vec::new();
    for keys in path.readings() {
        let (integration, action) = (keys.0.as_str(), keys.1.as_str());
        let id = storage::statements::settings::find_action(db, workspace, integration, action).await?;
        found.extend(id.map(|id| (id, keys.clone())));
    }
    Ok(found)
}

/// The keys of the action that an operator named. If none exists, what its last dot separates. `Err`: several exist.
pub async fn keys(
    service: &Service,
    workspace: WorkspaceId,
    path: &ActionPath,
) -> Result<Result<(IntegrationKey, ActionKey), Vec<(IntegrationKey, ActionKey)>>, ServiceError> {
    if let [only] = path.readings() {
        return Ok(Ok(only.clone()));
    }
    let mut db = service.db.acquire().await?;
    let mut found: Vec<_> =
        existing(&mut db, workspace, path).await?.into_iter().map(|(_, keys)| keys).collect();
    Ok(if found.len() > 1 {
        Err(found)
    } else {
        Ok(found.pop().unwrap_or_else(|| path.readings()[0].clone()))
    })
}
