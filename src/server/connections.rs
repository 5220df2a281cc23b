//! The open connections, and which of them to close when there are too many or when one takes too long.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From a request's first byte to the end of its headers.
    pub head: Duration,
    /// Without a request. Longer than the minute for which proxies keep connections: the server must not close one that
    /// a proxy is about to use.
    pub idle: Duration,
    /// Until the client accepts more of a response.
    pub stalled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stalled: Duration::from_secs(30),
        }
    }
}

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No byte of the next request has arrived.
    Idle,
    /// Some bytes have arrived, but not all headers.
    Head,
    /// A request is being handled, or its response is being sent.
    Serving,
}

#[derive(Debug)]
struct Activity {
    phase: Phase,
    since: Instant,
    stalled_since: Option<Instant>,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    activity: Mutex<Activity>,
    close: CancellationToken,
}

impl Connection {
    fn new() -> Self {
        let activity = Activity { phase: Phase::Idle, since: Instant::now(), stalled_since: None };
        Self { activity: Mutex::new(activity), close: CancellationToken::new() }
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, phase: Phase) {
        let mut activity = self.activity();
        activity.phase = phase;
        activity.since = Instant::now();
    }

    /// Records that bytes arrived.
    pub(super) fn received(&self) {
        if self.activity().phase == Phase::Idle {
            self.turn(Phase::Head);
        }
    }

    /// Records whether the client accepts what is sent.
    pub(super) fn sent(&self, stalled: bool) {
        let mut activity = self.activity();
        activity.stalled_since = match (stalled, activity.stalled_since) {
            (false, _) => None,
            (true, since) => since.or_else(|| Some(Instant::now())),
        };
    }

    /// Whether bytes of a response wait until the client accepts more.
    pub(super) fn is_stalled(&self) -> bool {
        self.activity().stalled_since.is_some()
    }

    /// Waits until the connection must be closed.
    pub(super) async fn has_to_go(&self) {
        self.close.cancelled().await;
    }

    fn is_overdue(&self, patience: Patience) -> bool {
        let activity = self.activity();
        let over = match activity.phase {
            Phase::Idle => activity.since.elapsed() > patience.idle,
            Phase::Head => activity.since.elapsed() > patience.head,
            Phase::Serving => false,
        };
        over || activity.stalled_since.is_some_and(|since| since.elapsed() > patience.stalled)
    }

    /// The time since which no request has been active; `None` if one is.
    fn unused_since(&self) -> Option<Instant> {
        let activity = self.activity();
        (activity.phase != Phase::Serving).then_some(activity.since)
    }
}

/// All open connections.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    most_others: usize,
    open: Mutex<Open>,
    others: AtomicUsize,
    room: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    by_number: BTreeMap<u64, Arc<Connection>>,
}

impl Connections {
    /// At most `most` connections, and at most `most_others` active requests to paths that are not reserved.
    pub(super) fn new(most: usize, most_others: usize) -> Arc<Self> {
        let (open, others) = (Mutex::default(), AtomicUsize::default());
        Arc::new(Self { most, most_others, open, others, room: Notify::new() })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits one more connection. If there are too many, it closes the one that has been without a request for the
    /// longest time; a client that sends one promptly, as Slack does, keeps its connection. If all have requests, it
    /// waits.
    pub(super) async fn admit(self: &Arc<Self>) -> Admitted {
        loop {
            let room = self.room.notified();
            if let Some(admitted) = self.try_admit() {
                return admitted;
            }
            // A connection can also become unused without a notification, so look again after a moment.
            let _ = tokio::time::timeout(Duration::from_millis(50), room).await;
        }
    }

    fn try_admit(self: &Arc<Self>) -> Option<Admitted> {
        let mut open = self.open();
        if open.by_number.len() >= self.most {
            let unused = open
                .by_number
                .iter()
                .filter_map(|(number, connection)| connection.unused_since().map(|since| (since, *number)));
            let (_, oldest) = unused.min()?;
            if let Some(connection) = open.by_number.remove(&oldest) {
                connection.close.cancel();
                metrics::counter!("countersign_http_connections_closed_total", "why" => "room").increment(1);
            }
        }
        let number = open.next;
        open.next += 1;
        let connection = Arc::new(Connection::new());
        open.by_number.insert(number, connection.clone());
        Some(Admitted { number, connection, all: self.clone() })
    }

    /// Closes the connections that exceed a time limit.
    pub(super) fn close_overdue(&self, patience: Patience) {
        for connection in self.open().by_number.values() {
            if !connection.close.is_cancelled() && connection.is_overdue(patience) {
                connection.close.cancel();
                metrics::counter!("countersign_http_connections_closed_total", "why" => "slow").increment(1);
            }
        }
    }
}

/// An admitted connection. Dropping this makes room for another.
#[derive(Debug)]
pub(super) struct Admitted {
    number: u64,
    pub(super) connection: Arc<Connection>,
    all: Arc<Connections>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.all.open().by_number.remove(&self.number);
        self.all.room.notify_one();
    }
}

/// A request that is being handled, until its response has been sent.
#[derive(Debug)]
pub(super) struct Serving {
    connection: Arc<Connection>,
    counted: Option<Arc<Connections>>,
}

impl Admitted {
    /// Starts a request. `None`: too many requests to paths that are not reserved are active.
    pub(super) fn serve(&self, reserved: bool) -> Option<Serving> {
        let counted = (!reserved).then(|| self.all.clone());
        if let Some(all) = &counted
            && all.others.fetch_add(1, Ordering::Relaxed) >= all.most_others
        {
            all.others.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        self.connection.turn(Phase::Serving);
        Some(Serving { connection: self.connection.clone(), counted })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.connection.turn(Phase::Idle);
        if let Some(all) = &self.counted {
            all.others.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
