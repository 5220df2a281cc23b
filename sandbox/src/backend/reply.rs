//! A response of the API.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A response of the API, or the error of the call.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status. 0 if no response came.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as received.
    pub text: String,
    /// Why no response came.
    pub error: Option<String>,
}

impl Reply {
    pub(super) async fn read(sent: Result<reqwest::Response, reqwest::Error>) -> Self {
        match Self::try_read(sent).await {
            Ok(reply) => reply,
            Err(error) => Self::failed(&error),
        }
    }

    async fn try_read(sent: Result<reqwest::Response, reqwest::Error>) -> Result<Self, reqwest::Error> {
        let response = sent?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { status, headers, body, text, error: None })
    }

    pub(super) fn failed(error: &dyn std::error::Error) -> Self {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        Self {
            status: 0,
            headers: HeaderMap::new(),
            body: Value::Null,
            text: String::new(),
            error: Some(words),
        }
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The text at a JSON pointer of the body, such as `/decision/outcome`; empty if there is none.
    #[must_use]
    pub fn str(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The approval's id, where the body is an approval.
    #[must_use]
    pub fn id(&self) -> &str {
        self.str("/id")
    }

    /// The approval's status, where the body is an approval.
    #[must_use]
    pub fn approval_status(&self) -> &str {
        self.str("/status")
    }

    /// The items of a list.
    #[must_use]
    pub fn data(&self) -> &[Value] {
        self.body.pointer("/data").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Where the next page of a list begins.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.body.pointer("/next_cursor").and_then(Value::as_str)
    }

    /// The lines of an `application/x-ndjson` body, each as JSON.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// A header's value. Empty if the header is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
