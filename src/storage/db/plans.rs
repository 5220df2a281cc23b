//! Whether Postgres keeps the plans of prepared statements.

/// Whether Postgres keeps the plan of a statement with parameters, or makes one for the values of each execution
/// (`plan_cache_mode`: <https://www.postgresql.org/docs/current/runtime-config-query.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plans {
    /// Postgres chooses, by its estimates of the costs. For statements with conditions that may be absent
    /// (`$1 IS NULL OR …`), whose best index depends on the values.
    #[default]
    Chosen,
    /// One plan in each session, for all values. For what runs often: a statement on tables with many partitions takes
    /// much longer to plan than to run. Such a statement must have only one good plan, and Postgres must find it while
    /// the tables are empty.
    Kept,
}

impl Plans {
    /// The statement that has a session plan so.
    pub(super) const fn set(self) -> &'static str {
        match self {
            Self::Chosen => "SET plan_cache_mode = auto",
            Self::Kept => "SET plan_cache_mode = force_generic_plan",
        }
    }
}
