//! The schema.

/// Every migration, in order. Forward only.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();
