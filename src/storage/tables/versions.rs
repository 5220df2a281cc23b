//! Columns of the table `action_versions` that are read in the same way by everyone who joins it. Rows are written by
//! [`super::actions`].

use std::collections::HashMap;

use crate::{
    domain::{field_hints::Presentation, ids::ActionVersionId, input_schema::InputSchema, risk::Impact},
    storage::{PgConnection, stored::CorruptRow},
};

fn corrupt(column: &'static str, version: ActionVersionId) -> CorruptRow {
    CorruptRow::new("action_versions", column, &version)
}

/// `read_only`, `destructive` and `risk`.
pub(in crate::storage) fn impact(
    version: ActionVersionId,
    read_only: bool,
    destructive: bool,
    risk: Option<&[String]>,
) -> Result<Impact, CorruptRow> {
    Impact::from_stored(read_only, destructive, risk).ok_or_else(|| corrupt("risk", version))
}

/// `title` and `fields`.
pub(in crate::storage) fn presentation(
    version: ActionVersionId,
    title: Option<String>,
    fields: Option<&str>,
) -> Result<Presentation, CorruptRow> {
    Ok(Presentation {
        title: Presentation::title_from_stored(title).ok_or_else(|| corrupt("title", version))?,
        fields: Presentation::fields_from_stored(fields).ok_or_else(|| corrupt("fields", version))?,
    })
}

/// `input_schema`.
pub(in crate::storage) fn input_schema(
    version: ActionVersionId,
    schema: Option<&str>,
) -> Result<Option<InputSchema>, CorruptRow> {
    let read = |json| InputSchema::from_stored(json).ok_or_else(|| corrupt("input_schema", version));
    schema.map(read).transpose()
}

/// The schema of the arguments in this version of a description.
pub async fn schema(db: &mut PgConnection, version: ActionVersionId) -> sqlx::Result<Option<InputSchema>> {
    let schema =
        sqlx::query_scalar!("SELECT input_schema::text FROM action_versions WHERE id = $1", version.uuid())
            .fetch_optional(db)
            .await?
            .flatten();
    Ok(input_schema(version, schema.as_deref())?)
}

/// The declared effects of these versions.
pub async fn impacts(
    db: &mut PgConnection,
    versions: &[ActionVersionId],
) -> sqlx::Result<HashMap<ActionVersionId, Impact>> {
    let ids: Vec<_> = versions.iter().map(|version| version.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT id, read_only, destructive, risk FROM action_versions WHERE id = ANY($1)",
        ids.as_slice()
    )
    .fetch_all(db)
    .await?;
    let impacts = rows.into_iter().map(|row| {
        let version = ActionVersionId::new(row.id);
        Ok((version, impact(version, row.read_only, row.destructive, row.risk.as_deref())?))
    });
    Ok(impacts.collect::<Result<_, CorruptRow>>()?)
}
