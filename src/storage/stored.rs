//! Stored values that this program does not know: an error, and never a default.

/// A value in the database that is not one of a closed list: a newer program wrote it, or a person did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}.{column} of {id} holds {value:?}, which this version of Countersign does not know")]
pub struct UnknownValue {
    table: &'static str,
    column: &'static str,
    id: String,
    value: String,
}

impl UnknownValue {
    /// The error of a statement that read such a value, in this column of the row with this id.
    pub(super) fn error(
        table: &'static str,
        column: &'static str,
        id: &impl ToString,
        value: impl Into<String>,
    ) -> sqlx::Error {
        sqlx::Error::Decode(Box::new(Self { table, column, id: id.to_string(), value: value.into() }))
    }
}
