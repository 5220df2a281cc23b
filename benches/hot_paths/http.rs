//! As little HTTP/1.1 as the load needs: whole requests, prepared as bytes, over connections that stay open. The load
//! shares the cores with what it measures, and a full client would take several times as much of them.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpStream;

/// Room for one response with its head.
const ROOM: usize = 64 * 1024;

/// How often a request is sent that the service is too busy for.
const TRIES: usize = 10;

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What came back.
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Response<'_> {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// Whether it is the JSON of an approval with this status. Its keys have a fixed order, in which the status comes
    /// before anything that a client wrote.
    pub(crate) fn has_status(&self, status: &str) -> bool {
        let start = &self.body[..self.body.len().min(80)];
        let wanted = format!(r#""status":"{status}""#);
        start.windows(wanted.len()).any(|part| part == wanted.as_bytes())
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: vec![0; ROOM] })
    }

    /// Sends a request that prepares a measurement, and sends it again while the service is too busy.
    pub(crate) async fn call_until_taken(&mut self, request: &[u8]) -> Response<'_> {
        for _ in 0..TRIES {
            if self.call(request).await.unwrap().status != 503 {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let (head, whole) = extent(&self.received).unwrap();
        let status = std::str::from_utf8(&self.received[9..12]).unwrap().parse().unwrap();
        Response { status, body: &self.received[head..whole] }
    }

    /// Sends a request and waits for its response.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        send(&self.stream, request).await?;
        let mut filled = 0;
        loop {
            self.stream.readable().await?;
            match self.stream.try_read(&mut self.received[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
            if let Some((head, whole)) = extent(&self.received[..filled])
                && filled >= whole
            {
                let status =
                    std::str::from_utf8(&self.received[9..12]).ok().and_then(|text| text.parse().ok());
                let status = status.ok_or(io::ErrorKind::InvalidData)?;
                return Ok(Response { status, body: &self.received[head..whole] });
            }
        }
    }
}

/// Writes all of it.
pub(crate) async fn send(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Where the head of a message ends and where its body does, once the head is complete.
pub(crate) fn extent(message: &[u8]) -> Option<(usize, usize)> {
    let head = message.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let length = message[..head].split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':')?);
        if !name.eq_ignore_ascii_case(b"content-length") {
            return None;
        }
        std::str::from_utf8(&value[1..]).ok()?.trim().parse::<usize>().ok()
    });
    Some((head, head + length.unwrap_or(0)))
}
