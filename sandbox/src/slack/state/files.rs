//! Files that an app uploads: announced, uploaded, and then shared once
//! (<https://docs.slack.dev/messaging/working-with-files#upload>).

use serde_json::{Value, json};

use super::{Message, State};
use crate::ambient::random_hex;

/// A file in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// `F…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its content.
    pub content: Vec<u8>,
}

impl SharedFile {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "title": self.title, "size": self.content.len() })
    }
}

/// A file that was announced.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The workspace or organisation of the token.
    pub(crate) team_id: String,
    pub(crate) name: String,
    pub(crate) length: usize,
    /// The secret part of its address.
    pub(crate) secret: String,
    pub(crate) content: Option<Vec<u8>>,
}

/// Why content is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadError {
    /// No file was announced with this address, or it has its content already.
    Unknown,
    /// It has another length than was announced.
    Length,
}

impl State {
    /// Announces a file. Gives its id and the secret part of the address for its content.
    pub(crate) fn announce(&mut self, team_id: &str, name: &str, length: usize) -> (String, String) {
        let (id, secret) = (self.next_id("F"), random_hex());
        let upload = Upload {
            team_id: team_id.to_owned(),
            name: name.to_owned(),
            length,
            secret: secret.clone(),
            content: None,
        };
        self.uploads.insert(id.clone(), upload);
        (id, secret)
    }

    /// Takes a file's content.
    pub(crate) fn upload(&mut self, secret: &str, content: &[u8]) -> Result<(), UploadError> {
        let mut waiting = self.uploads.values_mut().filter(|upload| upload.content.is_none());
        let upload = waiting.find(|upload| upload.secret == secret).ok_or(UploadError::Unknown)?;
        if upload.length != content.len() {
            return Err(UploadError::Length);
        }
        upload.content = Some(content.to_vec());
        Ok(())
    }

    /// Whether the content of a file of this installation has arrived and the file was not shared yet.
    pub(crate) fn is_uploaded(&self, team_id: &str, id: &str) -> bool {
        self.uploads.get(id).is_some_and(|upload| upload.team_id == team_id && upload.content.is_some())
    }

    /// Ends an upload.
    pub(crate) fn complete(&mut self, id: &str, title: Option<&str>) -> Option<SharedFile> {
        let Upload { name, content, .. } = self.uploads.remove(id)?;
        let title = title.unwrap_or(&name).to_owned();
        Some(SharedFile { id: id.to_owned(), name, title, content: content? })
    }

    /// Puts files into a message that was just posted.
    pub(crate) fn attach(&mut self, message: &Message, files: Vec<SharedFile>) {
        if let Some(kept) = self.messages.get_mut(&(message.channel.clone(), message.ts.clone())) {
            kept.files = files;
        }
    }
}
