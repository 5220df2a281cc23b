//! Rows with values that this program can't read. They are an error that names the row, never a default.

/// A row whose value this version of Countersign does not know. A newer version or a person wrote it.
///
/// The error does not contain the value, which may be a secret or an argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "could not read {table}.{column} of {id}: this version of Countersign does not know the stored value"
)]
pub struct CorruptRow {
    /// The table.
    pub table: &'static str,
    /// The column that holds the value.
    pub column: &'static str,
    /// The row: its id as the API and the logs write it, or its key.
    pub id: String,
}

impl CorruptRow {
    /// An error for the value of this column in the row with this id.
    pub(super) fn new(table: &'static str, column: &'static str, id: &impl ToString) -> Self {
        Self { table, column, id: id.to_string() }
    }

    /// The corrupt row that caused a database error, if one did.
    #[must_use]
    pub fn find_in(error: &sqlx::Error) -> Option<&Self> {
        match error {
            sqlx::Error::Decode(source) => source.downcast_ref(),
            _ => None,
        }
    }

    /// Logs the row. For callers that continue without the row, or in spite of it.
    pub fn log(&self) {
        let Self { table, column, id } = self;
        tracing::error!(table, column, row = id, "Stored value unknown to this version of Countersign");
    }
}

impl From<CorruptRow> for sqlx::Error {
    fn from(row: CorruptRow) -> Self {
        Self::Decode(Box::new(row))
    }
}

/// The readable rows of a batch. The others are logged and left out, so that one corrupt row does not block the rest.
pub(super) fn readable<T>(rows: impl IntoIterator<Item = Result<T, CorruptRow>>) -> Vec<T> {
    let keep = |row: Result<T, CorruptRow>| row.inspect_err(CorruptRow::log).ok();
    rows.into_iter().filter_map(keep).collect()
}

/// A count that is never below zero.
pub(super) fn count<T: TryFrom<i64>>(
    stored: i64,
    corrupt: impl FnOnce() -> CorruptRow,
) -> Result<T, CorruptRow> {
    T::try_from(stored).map_err(|_| corrupt())
}
