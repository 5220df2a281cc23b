//! Server-sent events, as a client reads them
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>).

use std::time::Duration;

/// An event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The last id that the stream gave, with this event or before it.
    pub(super) id: Option<String>,
    pub(super) data: String,
}

/// Reads events from pieces of a stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    bytes: Vec<u8>,
    /// Up to where `bytes` have no end of a line: a long line comes in many pieces.
    searched: usize,
    data: Option<String>,
    id: Option<String>,
    /// How long to wait before connecting again, as the stream says.
    pub(super) retry: Option<Duration>,
}

impl Reader {
    /// Takes the next piece, and gives the events that are complete with it.
    pub(super) fn read(&mut self, piece: &[u8]) -> Vec<Event> {
        self.bytes.extend_from_slice(piece);
        let mut events = Vec::new();
        let (mut from, mut at) = (0, self.searched);
        let searched = loop {
            let found = self.bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some(length) = found else { break self.bytes.len() };
            let end = at + length;
            let next = match (self.bytes[end], self.bytes.get(end + 1)) {
                (b'\r', Some(b'\n')) => end + 2,
                // Its line feed may follow.
                (b'\r', None) => break end,
                _ => end + 1,
            };
            let line = String::from_utf8_lossy(&self.bytes[from..end]).into_owned();
            events.extend(self.line(&line));
            (from, at) = (next, next);
        };
        self.bytes.drain(..from);
        self.searched = searched - from;
        events
    }

    /// How many bytes wait for the rest of their event.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            return self.data.take().map(|data| Event { id: self.id.clone(), data });
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name.trim_start_matches('\u{feff}') {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_long_line_is_read_once() {
        let line = format!("data: {}\n\n", "x".repeat(8 * 1024 * 1024));
        let (mut reader, began) = (Reader::default(), Instant::now());
        let found: Vec<Event> =
            line.as_bytes().chunks(8 * 1024).flat_map(|piece| reader.read(piece)).collect();
        assert_eq!(found[0].data.len(), 8 * 1024 * 1024);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }

    #[test]
    fn events_are_read_however_the_stream_is_cut() {
        let stream = "\u{feff}: hello\nid: 1\r\nretry: 20\ndata: {\"a\":\ndata: 1}\n\nevent: message\rdata:x\r\n\r\ndata\n\nid: 2\n\n";
        let event = |id: &str, data: &str| Event { id: Some(id.to_owned()), data: data.to_owned() };
        let expected = [event("1", "{\"a\":\n1}"), event("1", "x"), event("1", "")];
        for size in [1, 2, 3, 7, 1000] {
            let mut reader = Reader::default();
            let found: Vec<Event> =
                stream.as_bytes().chunks(size).flat_map(|piece| reader.read(piece)).collect();
            assert_eq!(found, expected, "{size}");
            assert_eq!((reader.retry, reader.waiting()), (Some(Duration::from_millis(20)), 0));
        }
    }
}
