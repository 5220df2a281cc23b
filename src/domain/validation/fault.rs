//! What a check results in.

/// What is wrong with arguments: where, as the steps of a JSON pointer, and a sentence for the person who edits them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentFault {
    /// The names on the way to the value.
    pub path: Vec<String>,
    /// What is wrong there. Contains none of the backend's words.
    pub detail: String,
}

/// The schema needs too many steps, or has a keyword that can't be judged here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the schema is too complex to check arguments against it")]
pub struct TooComplex;

pub(super) type Path = Vec<String>;
pub(super) type Checked = Result<(), TooComplex>;

pub(super) fn fault(path: &Path, detail: impl Into<String>) -> ArgumentFault {
    ArgumentFault { path: path.clone(), detail: detail.into() }
}
