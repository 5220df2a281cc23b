//! Tells when the agent wants the hook to end, or has ended itself.

use std::{fmt, os::unix::process::parent_id, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the parent is looked at: no signal tells that it has exited.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Why the hook ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// By a signal.
    Signal,
    /// The process that started the hook exited.
    ParentExited,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal => "the agent stopped the hook",
            Self::ParentExited => "the agent exited",
        })
    }
}

/// The process that started this one, and its signals.
#[derive(Debug)]
pub(super) struct Lifeline {
    parent: u32,
    signals: Vec<Signal>,
}

impl Lifeline {
    /// Catches the signals from now on.
    pub(super) fn new() -> Self {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self {
            parent: parent_id(),
            signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect(),
        }
    }

    /// Waits until the hook should end.
    pub(super) async fn stopped(&mut self) -> Stop {
        let parent = self.parent;
        let orphaned = async {
            while parent_id() == parent {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        let mut signals = self.signals.iter_mut();
        let signal = async {
            let all = signals.by_ref().map(|signal| Box::pin(signal.recv()));
            let all: Vec<_> = all.collect();
            if all.is_empty() {
                std::future::pending::<()>().await;
            }
            futures::future::select_all(all).await;
        };
        tokio::select! {
            () = signal => Stop::Signal,
            () = orphaned => Stop::ParentExited,
        }
    }
}
