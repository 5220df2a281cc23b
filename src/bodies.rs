//! Reads request bodies, with limits on each body's size and time and on their total memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use http_body_util::BodyExt as _;
use tokio_util::sync::CancellationToken;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than allowed.
    #[error("the body is too large")]
    TooLarge,
    /// It took too long.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// Too many bodies are being read, or in memory.
    #[error("too many requests are being read")]
    Crowded,
    /// The client disconnected, or violated HTTP.
    #[error("the body was cut off")]
    Broken,
}

/// The limits of one body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// The largest size, in bytes.
    pub size: usize,
    /// The time until the last byte has arrived.
    pub time: Duration,
}

/// The bodies in memory of one group of callers. Cheap to clone.
///
/// If there are too many, the oldest unfinished one is dropped: slow senders give way to prompt ones, so that
/// unfinished bodies can't keep other senders out.
#[derive(Debug, Clone)]
pub struct Bodies {
    most: usize,
    most_bytes: usize,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    reading: BTreeMap<u64, CancellationToken>,
    bytes: usize,
}

impl State {
    /// Gives up the oldest unfinished body other than this one. Returns whether there was one.
    fn give_up_oldest_but(&mut self, number: u64) -> bool {
        let oldest = self.reading.keys().copied().find(|other| *other != number);
        oldest.and_then(|oldest| self.reading.remove(&oldest)).inspect(CancellationToken::cancel).is_some()
    }
}

impl Bodies {
    /// Allows this many bodies to be read at once, and this many bytes in memory.
    #[must_use]
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self { most, most_bytes, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a body. It counts against the limits for as long as the result exists.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        limits: BodyLimits,
    ) -> Result<Received, BodyError> {
        check_length(headers, limits.size)?;
        let (number, given_up) = self.begin();
        let mut held = Held { bodies: self.clone(), number, bytes: 0 };
        let read = read_within(&mut held, body, limits.size);
        let bytes = tokio::select! {
            read = tokio::time::timeout(limits.time, read) => read.unwrap_or(Err(BodyError::TooSlow))?,
            () = given_up.cancelled() => return Err(BodyError::Crowded),
        };
        self.state().reading.remove(&number);
        Ok(Received { bytes, _held: held })
    }

    fn begin(&self) -> (u64, CancellationToken) {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if state.reading.len() >= self.most {
            state.give_up_oldest_but(number);
        }
        let given_up = CancellationToken::new();
        state.reading.insert(number, given_up.clone());
        (number, given_up)
    }
}

/// Refuses a body whose Content-Length is too large, before any of it is read.
pub fn check_length(headers: &HeaderMap, most: usize) -> Result<(), BodyError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let length: Option<usize> = length.and_then(|value| value.parse().ok());
    if length.is_some_and(|length| length > most) { Err(BodyError::TooLarge) } else { Ok(()) }
}

async fn read_within(held: &mut Held, mut body: Body, most: usize) -> Result<Bytes, BodyError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if bytes.len() + data.len() > most {
            return Err(BodyError::TooLarge);
        }
        held.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// The memory that one body takes.
#[derive(Debug)]
struct Held {
    bodies: Bodies,
    number: u64,
    bytes: usize,
}

impl Held {
    fn grow(&mut self, more: usize) -> Result<(), BodyError> {
        let mut state = self.bodies.state();
        // The bytes of a body that is given up become free a moment later. Until then others may be given up too, so
        // that this one does not wait.
        if state.bytes + more > self.bodies.most_bytes && !state.give_up_oldest_but(self.number) {
            return Err(BodyError::Crowded);
        }
        state.bytes += more;
        drop(state);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.bodies.state();
        state.bytes -= self.bytes;
        state.reading.remove(&self.number);
    }
}

/// A complete body.
#[derive(Debug)]
pub struct Received {
    bytes: Bytes,
    _held: Held,
}

impl std::ops::Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use futures::{StreamExt as _, stream};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { size: 8, time: Duration::from_secs(20) };

    /// A body that begins with this and never ends.
    fn unfinished(begin: &'static str) -> Body {
        let begin = stream::iter([Ok::<_, std::io::Error>(begin)]);
        Body::from_stream(begin.chain(stream::pending()))
    }

    async fn begin(
        bodies: &Bodies,
        begin: &'static str,
    ) -> tokio::task::JoinHandle<Result<Received, BodyError>> {
        let before = bodies.state().next;
        let task = tokio::spawn({
            let bodies = bodies.clone();
            async move { bodies.read(&HeaderMap::new(), unfinished(begin), LIMITS).await }
        });
        while bodies.state().next == before {
            tokio::task::yield_now().await;
        }
        task
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_by_its_length_or_by_its_bytes() {
        let bodies = Bodies::new(2, 100);
        let headers = HeaderMap::from_iter([(header::CONTENT_LENGTH, HeaderValue::from_static("9"))]);
        let announced = bodies.read(&headers, unfinished(""), LIMITS).await;
        assert_eq!(announced.unwrap_err(), BodyError::TooLarge);
        let sent = bodies.read(&HeaderMap::new(), Body::from("nine bytes"), LIMITS).await;
        assert_eq!(sent.unwrap_err(), BodyError::TooLarge);
        let whole = bodies.read(&HeaderMap::new(), Body::from("8 bytes."), LIMITS).await.unwrap();
        assert_eq!(&*whole, b"8 bytes.");
    }

    #[tokio::test]
    async fn a_body_that_does_not_end_is_given_up() {
        let bodies = Bodies::new(2, 100);
        let limits = BodyLimits { time: Duration::from_millis(20), ..LIMITS };
        let slow = bodies.read(&HeaderMap::new(), unfinished("slow"), limits).await;
        assert_eq!(slow.unwrap_err(), BodyError::TooSlow);
        assert_eq!(bodies.state().bytes, 0);
    }

    #[tokio::test]
    async fn the_oldest_unfinished_body_gives_way_to_a_new_one() {
        let bodies = Bodies::new(2, 100);
        let (first, second) = (begin(&bodies, "1").await, begin(&bodies, "2").await);
        let whole = bodies.read(&HeaderMap::new(), Body::from("whole"), LIMITS).await;
        assert!(whole.is_ok(), "{whole:?}");
        assert_eq!(first.await.unwrap().unwrap_err(), BodyError::Crowded);
        assert!(!second.is_finished());
        second.abort();
    }

    #[tokio::test]
    async fn bytes_in_memory_are_bounded_and_whole_bodies_are_kept() {
        let bodies = Bodies::new(9, 8);
        let unfinished = begin(&bodies, "1234").await;
        while bodies.state().bytes < 4 {
            tokio::task::yield_now().await;
        }
        let whole = bodies.read(&HeaderMap::new(), Body::from("12345678"), LIMITS).await.unwrap();
        assert_eq!(unfinished.await.unwrap().unwrap_err(), BodyError::Crowded);
        let refused = bodies.read(&HeaderMap::new(), Body::from("1"), LIMITS).await;
        assert_eq!(refused.unwrap_err(), BodyError::Crowded);
        drop(whole);
        assert!(bodies.read(&HeaderMap::new(), Body::from("1"), LIMITS).await.is_ok());
    }
}
