//! Arguments that several commands of `countersign hook` take.

use clap::Args;
use secrecy::SecretString;

use crate::{
    cli::error::CliError,
    domain::text::IntegrationKey,
    entropy::Entropy,
    gateway::{client::Client, hook::Options},
};

/// How the service is reached.
#[derive(Debug, Args)]
pub(super) struct Service {
    /// The service's address
    #[arg(long, env = "COUNTERSIGN_URL", value_name = "URL")]
    pub(super) url: Option<String>,
    /// The API key to ask with. Better in the environment: other users of the machine can see a process's arguments
    #[arg(long, env = "COUNTERSIGN_API_KEY", hide_env_values = true, value_name = "cs_…", value_parser = secret)]
    pub(super) api_key: Option<SecretString>,
}

#[expect(clippy::unnecessary_wraps, reason = "clap's signature")]
fn secret(text: &str) -> Result<SecretString, String> {
    Ok(SecretString::from(text))
}

/// A server and the integration that its tools join.
pub(super) fn map(text: &str) -> Result<(String, IntegrationKey), String> {
    let (server, key) = text.split_once('=').ok_or("it should look like github=github")?;
    let key = IntegrationKey::new(key).map_err(|fault| format!("the integration {fault}"))?;
    Ok((server.to_owned(), key))
}

/// What was given, unless it is blank: an empty variable is as good as none.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

impl Service {
    /// A client of the service that is configured.
    pub(super) fn client(self, entropy: &Entropy) -> Result<Client, CliError> {
        let options = Options { url: given(self.url), api_key: self.api_key, ..Options::default() };
        options.client(entropy).map_err(|error| CliError::Usage(error.to_string()))
    }
}
