//! What is written to the terminal.

use std::{
    cell::Cell,
    io::{self, IsTerminal as _, Write as _},
    time::Instant,
};

/// Writes a line for the person who started the demo. If no one reads it, the demo still has to clean up.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// The same for what went wrong.
pub(crate) fn warn(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Why something failed, with what caused it where it doesn't say so itself.
pub(crate) fn reason(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |words, cause| {
        let cause = cause.to_string();
        if words.contains(&cause) { words } else { format!("{words}: {cause}") }
    })
}

/// Tells a story step by step: a line each, marked by whether it held.
#[derive(Debug)]
pub(crate) struct Teller {
    began: Instant,
    colours: bool,
    steps: Cell<usize>,
}

impl Teller {
    /// Begins. Colours are for terminals, unless `NO_COLOR` is set (<https://no-color.org>).
    pub(crate) fn begin() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { began: Instant::now(), colours: io::stdout().is_terminal() && !plain, steps: Cell::new(0) }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&self, title: &str) {
        say(&format!("\n{}", self.paint("1", title)));
    }

    /// Takes a step and says how it went. `words` say what is to hold.
    pub(crate) async fn step<T>(
        &self,
        words: &str,
        act: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let result = act.await;
        match &result {
            Ok(_) => {
                self.steps.set(self.steps.get() + 1);
                say(&format!("  {} {words}", self.paint("32", "✓")));
            }
            Err(error) => say(&format!("  {} {words}\n      {}", self.paint("31", "✗"), reason(error))),
        }
        result
    }

    /// The last line.
    pub(crate) fn end(&self, held: bool) {
        let seconds = self.began.elapsed().as_secs_f32();
        let words = if held {
            format!("All {} steps held, in {seconds:.1} s.", self.steps.get())
        } else {
            format!("{} steps held, then one did not: the script stops here.", self.steps.get())
        };
        say(&format!("\n{}", self.paint(if held { "1;32" } else { "1;31" }, &words)));
    }

    /// Puts an SGR code (ECMA-48, section 8.3.117) around the text.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
