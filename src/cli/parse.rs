//! Parses the command line and the environment. Errors name the environment variable, where operators have to look.
//! clap only names the flag, and repeats the value, which may be a secret.

use std::ffi::OsString;

use clap::{
    Arg, Command, CommandFactory as _, Error, Parser as _,
    error::{ContextKind, ContextValue},
};

use super::Cli;

impl Cli {
    /// Parses the arguments and the variables that stand in for them. On an error, or for `--help`, it prints the text
    /// and exits.
    #[must_use]
    pub fn read() -> Self {
        Self::from(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    fn from(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, Error> {
        Self::try_parse_from(arguments).map_err(|error| {
            let mut command = Self::command();
            command.build();
            named(error, &command)
        })
    }
}

/// Adds the variables' names to an error, and removes secrets from it.
fn named(mut error: Error, command: &Command) -> Error {
    match error.get(ContextKind::InvalidArg).cloned() {
        Some(ContextValue::String(shown)) => {
            if let Some(arg) = find(command, &shown) {
                if arg.is_hide_env_values_set() {
                    let hidden = ContextValue::String("(not shown)".to_owned());
                    error.insert(ContextKind::InvalidValue, hidden);
                }
                error.insert(ContextKind::InvalidArg, ContextValue::String(name(arg)));
            }
        }
        Some(ContextValue::Strings(shown)) => {
            let names = shown.into_iter().map(|shown| find(command, &shown).map_or(shown, name)).collect();
            error.insert(ContextKind::InvalidArg, ContextValue::Strings(names));
        }
        _ => {}
    }
    error
}

/// The argument of any command that clap displays like this.
fn find<'c>(command: &'c Command, shown: &str) -> Option<&'c Arg> {
    let own = command.get_arguments().find(|arg| arg.get_env().is_some() && arg.to_string() == shown);
    own.or_else(|| command.get_subcommands().find_map(|inner| find(inner, shown)))
}

fn name(arg: &Arg) -> String {
    let variable = arg.get_env().unwrap_or_default().to_string_lossy();
    arg.get_long().map_or_else(|| variable.to_string(), |flag| format!("{variable} (or --{flag})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(arguments: &[&str]) -> String {
        let words = ["countersign"].iter().chain(arguments).map(OsString::from);
        Cli::from(words).unwrap_err().to_string()
    }

    #[test]
    fn a_faulty_value_is_named_by_its_variable() {
        let said = complaint(&["serve", "--database-url", "postgres://h/d", "--admins", "alice"]);
        assert!(said.contains("'alice' for 'COUNTERSIGN_ADMINS (or --admins)'"), "{said}");
    }

    #[test]
    fn a_faulty_secret_is_not_repeated() {
        let said = complaint(&["migrate", "--database-url", "hunter2"]);
        assert!(said.contains("DATABASE_URL (or --database-url)") && !said.contains("hunter2"), "{said}");
        assert!(said.contains("postgres://user:password@host"), "{said}");
    }
}
