//! One client's connection, from request to request.
//!
//! hyper keeps 16 KiB of buffers for each connection, and the future of its handler. Where the response comes
//! [`Later`], the connection is taken back from hyper until then. A response is sent by a new hyper connection, which
//! reads the beginning of the request once more, so that version, keep-alive and framing stay hyper's.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderValue, Request, Version, header},
    response::Response,
};
use futures::StreamExt as _;
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    connections::Admitted,
    later::Later,
    parking::{Parked, Parking},
    watched::{Then, Tracked, Watched},
};

/// How much of a request or response a connection buffers, in bytes. Longer headers are refused.
pub(super) const BUFFER: usize = 32 * 1024;

/// What handles the requests of all connections.
pub(super) struct Handler {
    pub(super) router: Router,
    pub(super) reserved: &'static [&'static str],
    pub(super) refuse: fn() -> Response,
}

/// A connection.
pub(super) struct Session {
    handler: Arc<Handler>,
    admitted: Admitted,
    parking: Parking,
    /// The response for which a new hyper connection is made.
    resumed: Mutex<Option<Response<Tracked>>>,
}

impl Session {
    pub(super) fn new(handler: Arc<Handler>, admitted: Admitted) -> Arc<Self> {
        Arc::new(Self { handler, admitted, parking: Parking::default(), resumed: Mutex::default() })
    }

    fn resumed(&self) -> MutexGuard<'_, Option<Response<Tracked>>> {
        self.resumed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves until the connection ends, the client or the server closes it, or `force`.
    pub(super) async fn run(
        self: Arc<Self>,
        stream: TcpStream,
        stop: CancellationToken,
        force: CancellationToken,
    ) {
        let io = Watched::new(stream, self.admitted.connection.clone());
        tokio::select! {
            () = self.serve(io, &stop) => {}
            () = self.admitted.connection.has_to_go() => {}
            () = force.cancelled() => {}
        }
    }

    async fn serve(self: &Arc<Self>, mut io: Watched, stop: &CancellationToken) {
        loop {
            // Boxed, so that hyper's connection takes no memory while its request is parked. The box is freed here.
            let talked = Box::pin(self.talk(io, stop)).await;
            let Some((parked, returned)) = talked else { return };
            io = returned;
            let Parked { later, serving, mut head } = parked;
            match later {
                Later::Whole(whole) => {
                    let response = tokio::select! {
                        response = whole => response,
                        () = io.closed() => return,
                    };
                    if stop.is_cancelled() {
                        head.extend_from_slice(b"connection: close\r\n");
                    }
                    head.extend_from_slice(b"\r\n");
                    io.read_again(head);
                    *self.resumed() = Some(response.map(|body| Tracked::new(body, serving)));
                }
                Later::Rest(rest) => {
                    if let Err(error) = send_rest(&mut io, rest).await {
                        tracing::debug!(%error, "Connection failed");
                    }
                    return;
                }
            }
        }
    }

    /// Serves requests by hyper until one is parked. `None`: the connection has ended.
    async fn talk(self: &Arc<Self>, io: Watched, stop: &CancellationToken) -> Option<(Parked, Watched)> {
        let service = hyper::service::service_fn({
            let session = self.clone();
            move |request| {
                let session = session.clone();
                async move { Ok::<_, Infallible>(session.respond(request).await) }
            }
        });
        let mut connection =
            http1::Builder::new().max_buf_size(BUFFER).serve_connection(TokioIo::new(io), service);
        let mut stopping = false;
        let parked = loop {
            let served = std::future::poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
                Poll::Ready(ended) => Poll::Ready(Err(ended)),
                // Bytes of an earlier response may still be in hyper's buffer.
                Poll::Pending if self.admitted.connection.is_stalled() => Poll::Pending,
                Poll::Pending => self.parking.take().map_or(Poll::Pending, |parked| Poll::Ready(Ok(parked))),
            });
            tokio::select! {
                // The response to a parked request must have begun before the shutdown, which closes a connection that
                // has read nothing.
                biased;
                served = served => match served {
                    Ok(parked) => break parked,
                    Err(ended) => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "Connection failed");
                        }
                        return None;
                    }
                },
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        let parts = connection.into_parts();
        let mut io = parts.io.into_inner();
        // Requests that the client sent ahead. A copy, because hyper's buffer is large.
        io.read_again(parts.read_buf.to_vec());
        Some((parked, io))
    }

    async fn respond(self: Arc<Self>, request: Request<Incoming>) -> Response<Tracked> {
        let resumed = self.resumed().take();
        if let Some(response) = resumed {
            return response;
        }
        let handler = &self.handler;
        let path = request.uri().path();
        let reserved = handler.reserved.iter().any(|beginning| path.starts_with(beginning));
        let Some(serving) = self.admitted.serve(reserved) else {
            let mut refusal = (handler.refuse)();
            refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            return refusal.map(|body| Tracked::new(body, None));
        };
        let (version, head) = (request.version(), head_to_park(&request));
        let Ok(mut response) = handler.router.clone().oneshot(request.map(Body::new)).await;
        let (later, serving) = (Later::take(&mut response), Some(serving));
        if matches!(later, Some(Later::Rest(_))) {
            // axum has set the length of the beginning.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        match (later, head) {
            (None, _) => response.map(|body| Tracked::new(body, serving)),
            (Some(later @ Later::Whole(_)), Some(head)) => {
                self.parking.park(Parked { later, serving, head });
                std::future::pending().await
            }
            (Some(Later::Whole(whole)), None) => whole.await.map(|body| Tracked::new(body, serving)),
            // Only HTTP/1.1 has chunks.
            (Some(later), Some(head)) if version == Version::HTTP_11 => {
                let then = Then::Park { parking: self.parking.clone(), later, head };
                response.map(|body| Tracked::followed(body, serving, then))
            }
            (Some(Later::Rest(rest)), _) => response.map(|body| {
                let all = body.into_data_stream().chain(rest.map(Ok));
                Tracked::new(Body::from_stream(all), serving)
            }),
        }
    }
}

/// What a hyper connection must read to send a response of the form that this request asks for. `None`: the request
/// can't be parked, because hyper has more to read of it.
fn head_to_park(request: &Request<Incoming>) -> Option<Vec<u8>> {
    if !request.body().is_end_stream() || request.headers().contains_key(header::UPGRADE) {
        return None;
    }
    let mut head = format!("GET / {:?}\r\n", request.version()).into_bytes();
    for value in request.headers().get_all(header::CONNECTION) {
        head.extend_from_slice(b"connection: ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    Some(head)
}

/// Sends the rest of a body in chunks (RFC 9112, section 7.1), and ends the connection.
async fn send_rest(
    io: &mut Watched,
    mut rest: Pin<Box<dyn futures::Stream<Item = Bytes> + Send>>,
) -> io::Result<()> {
    loop {
        let data = tokio::select! {
            data = rest.next() => data,
            () = io.closed() => return Ok(()),
        };
        let Some(data) = data else { break };
        // An empty chunk would end the body.
        if !data.is_empty() {
            let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
            chunk.extend_from_slice(&data);
            chunk.extend_from_slice(b"\r\n");
            io.write_all(&chunk).await?;
        }
    }
    io.write_all(b"0\r\n\r\n").await?;
    io.shutdown().await
}
