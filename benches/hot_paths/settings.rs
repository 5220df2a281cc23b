//! What the environment says about how to measure.

use std::{path::PathBuf, str::FromStr, time::Duration};

pub(crate) struct Settings {
    /// How long each measurement takes.
    pub(crate) time: Duration,
    /// How long the load on a fresh database takes.
    pub(crate) fresh: Duration,
    /// How often measurements that are compared alternate.
    pub(crate) runs: usize,
    /// The program to measure.
    pub(crate) program: PathBuf,
    /// The program to compare it with, such as the previous version.
    pub(crate) baseline: Option<PathBuf>,
    /// Whether a ratio that misses its goal by more than a factor of two is a failure.
    pub(crate) assert_ratios: bool,
}

impl Settings {
    pub(crate) fn read() -> Self {
        let path = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        Self {
            time: Duration::from_secs(number("SECONDS").unwrap_or(10)),
            fresh: Duration::from_secs(number("SECONDS_FRESH").unwrap_or(120)),
            runs: number("RUNS").unwrap_or(5),
            program: path("COUNTERSIGN").unwrap_or_else(|| env!("CARGO_BIN_EXE_countersign").into()),
            baseline: path("BASELINE"),
            assert_ratios: number("COUNTERSIGN_ASSERT_RATIOS") == Some(1),
        }
    }
}

fn number<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
