//! A server that is a process: one message a line on its standard input and output. What it writes to standard error is
//! the gateway's standard error.

use std::{ffi::OsString, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
};

use super::{
    message::Message,
    upstream::{FromServer, Upstream, WAITING},
};

/// The most bytes of a message.
const LARGEST: u64 = 64 * 1024 * 1024;
/// How long a server has to end after its standard input was closed.
const GRACE: Duration = Duration::from_secs(3);

/// Starts the program.
pub(super) fn start(command: &[OsString]) -> Result<Upstream, String> {
    let [program, arguments @ ..] = command else { return Err("no command was given".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        // People are asked about the server's tools, so it must not be able to ask or cancel in the agent's name.
        .env_remove("COUNTERSIGN_API_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(&program.to_string_lossy(), &error))?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no standard input or output".to_owned());
    };
    let (to, messages) = mpsc::channel(WAITING);
    let (tell, from) = mpsc::channel(WAITING);
    let writes = tokio::spawn(write(input, messages));
    tokio::spawn(async move {
        let mut reads = tokio::spawn(read(output, tell.clone()));
        let why = tokio::select! {
            why = &mut reads => Some(why.unwrap_or_else(|error| error.to_string())),
            _ = writes => None,
        };
        // Its output or its input is closed, so it should be ending.
        let ended = end_of(&mut child).await;
        let why = match why {
            Some(why) if !why.is_empty() => why,
            _ => ended,
        };
        // What it wrote before it ended.
        if !reads.is_finished() {
            let _ = tokio::time::timeout(GRACE, reads).await;
        }
        let _ = tell.send(FromServer::Gone(why)).await;
    });
    Ok(Upstream { to, from })
}

fn not_started(program: &str, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "no such program".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it is not executable".to_owned(),
        _ => error.to_string(),
    };
    format!("could not start `{program}`: {reason}. Check the command after `--`")
}

/// Writes messages until there are no more senders, or the server no longer reads.
async fn write(mut input: ChildStdin, mut messages: mpsc::Receiver<Message>) {
    while let Some(message) = messages.recv().await {
        let line = format!("{}\n", message.text());
        if input.write_all(line.as_bytes()).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

/// Reads messages until the end of the output. Returns why no more are read; empty at the end.
async fn read(output: ChildStdout, tell: mpsc::Sender<FromServer>) -> String {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut output).take(LARGEST).read_until(b'\n', &mut line).await {
            Ok(0) => return String::new(),
            Ok(_) => {}
            Err(error) => return format!("could not read its output: {error}"),
        }
        if line.last() != Some(&b'\n') && u64::try_from(line.len()).unwrap_or(u64::MAX) >= LARGEST {
            return format!("it sent a message of more than {LARGEST} bytes");
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match Message::read(&text) {
            Ok(message) => {
                if tell.send(FromServer::Message(message)).await.is_err() {
                    return String::new();
                }
            }
            // Programs that log to standard output are common.
            Err(error) => {
                let start: String = text.trim().chars().take(120).collect();
                tracing::warn!(%error, line = start, "Server wrote a line that is not a message");
            }
        }
    }
}

/// Waits for the end of the process, and kills it if it does not end in time.
async fn end_of(child: &mut Child) -> String {
    match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(Ok(status)) => format!("its process ended ({status})"),
        Ok(Err(error)) => format!("could not wait for its process: {error}"),
        Err(_) => {
            let _ = child.kill().await;
            "it closed its output and did not end, so it was killed".to_owned()
        }
    }
}
