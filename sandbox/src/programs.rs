//! Programs that tests make.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable file, for instance a script that stands in for a program that isn't installed. Its folder exists.
///
/// A process of its own writes it. If this process did, a program that another thread starts then would hold the
/// open file for a moment, and Linux refuses to run a file that anyone can still write (`ETXTBSY` of execve(2)).
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut writer = Command::new("/bin/sh")
        .args(["-euc", r#"cat >"$1"; chmod 755 "$1""#, "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = writer.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    let ended = writer.wait()?;
    if ended.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{} was not written", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{fs, thread};

    use super::*;
    use crate::ambient::random_hex;

    #[test]
    fn a_program_runs_while_others_are_started() {
        let folder = std::env::temp_dir().join(format!("countersign-programs-{}", &random_hex()[..16]));
        fs::create_dir(&folder).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        Command::new("/bin/true").status().unwrap();
                    }
                });
            }
            for turn in 0..200 {
                let program = folder.join(turn.to_string());
                write(&program, "#!/bin/sh\nexit 7\n").unwrap();
                let ended = Command::new(&program).status();
                done.store(ended.is_err() || turn == 199, Ordering::Relaxed);
                assert_eq!(ended.unwrap().code(), Some(7));
            }
        });
        fs::remove_dir_all(&folder).unwrap();
    }
}
