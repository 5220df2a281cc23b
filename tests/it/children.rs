//! Programs that end with the test that started them, however that ends: killed as well.

use std::{
    ffi::OsStr,
    process::{Child, Command, Stdio},
};

/// Runs a program, and kills it as soon as standard input ends: the kernel closes it with its last writer.
const SCRIPT: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- & child=$!
{ while read -r _; do :; done; kill -9 "$child"; } <&3 3<&- >/dev/null 2>&1 & guard=$!
exec 3<&-
wait "$child"
kill "$guard" 2>/dev/null
"#;

/// A command that starts this program, with what is added to it as its arguments.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(program).stdin(Stdio::piped());
    command
}

/// `kill -9`: ends what such a command started, and waits until it has ended.
pub fn kill(child: &mut Child) {
    drop(child.stdin.take());
    let _ = child.wait();
}
