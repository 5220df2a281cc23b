//! A stream and a response body that report what happens on them.

use std::{
    io, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    connections::{Connection, Serving},
    later::Later,
    parking::{Parked, Parking},
};

/// A connection's stream.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    connection: Arc<Connection>,
    /// What is read before the stream.
    ahead: Vec<u8>,
}

impl Watched {
    pub(super) const fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection, ahead: Vec::new() }
    }

    /// Puts these bytes before what is read next.
    pub(super) fn read_again(&mut self, mut bytes: Vec<u8>) {
        bytes.append(&mut self.ahead);
        self.ahead = bytes;
    }

    /// Waits until the client has closed the connection. Not noticed if the client has sent more before.
    pub(super) async fn closed(&self) {
        if let Ok(1..) = self.stream.peek(&mut [0]).await {
            std::future::pending::<()>().await;
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.ahead.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        } else {
            let size = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead[..size]);
            self.ahead.drain(..size);
        }
        if buf.filled().len() > before {
            self.connection.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.connection.sent(sent.is_pending());
        sent
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.connection.sent(sent.is_pending());
        sent
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A response body. Its request is active until the body has been sent.
pub(super) struct Tracked {
    body: Body,
    serving: Option<Serving>,
    then: Then,
}

/// What follows a body.
pub(super) enum Then {
    /// Nothing.
    End,
    /// The rest, which the session sends.
    Park { parking: Parking, later: Later, head: Vec<u8> },
    /// The rest, which was left to the session.
    Parked,
}

impl Tracked {
    pub(super) const fn new(body: Body, serving: Option<Serving>) -> Self {
        Self::followed(body, serving, Then::End)
    }

    pub(super) const fn followed(body: Body, serving: Option<Serving>, then: Then) -> Self {
        Self { body, serving, then }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if matches!(self.then, Then::Parked) {
            return Poll::Pending;
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none()
            && matches!(self.then, Then::Park { .. })
            && let Then::Park { parking, later, head } = mem::replace(&mut self.then, Then::Parked)
        {
            parking.park(Parked { later, serving: self.serving.take(), head });
            return Poll::Pending;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.then, Then::End) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if matches!(self.then, Then::End) { self.body.size_hint() } else { SizeHint::default() }
    }
}
