//! `countersign hook`: a process that an agent starts for one tool call. It asks, waits for the decision, and answers.
//!
//! It fails closed: whatever goes wrong is an error, which the command line turns into the status that blocks the call.

mod lifeline;

use std::{io::Read as _, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use secrecy::SecretString;
use serde_json::Value;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use self::lifeline::{Lifeline, Stop};
use crate::{
    domain::arguments::Arguments,
    entropy::Entropy,
    gateway::{
        approval::{Approval, Request},
        client::{Client, ClientError},
        formats::{
            Format,
            answer::answer,
            call::{Call, CallError, Settings},
            verdict::Verdict,
        },
    },
};

/// How long the agent may take to write the hook's input.
const INPUT_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of input. The API takes 256 KiB; the error about more should come from there.
const LARGEST_INPUT: u64 = 16 * 1024 * 1024;
/// How long before its limit the hook answers, whatever the state is.
const MARGIN: Duration = Duration::from_secs(5);
/// How long before its limit the hook ends in any case, although an attempt is under way: agents run the tool of a hook
/// that takes longer.
const LAST: Duration = Duration::from_secs(2);
/// For how long cancelling is attempted: the agent is about to kill the hook, or already gone.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);

/// What a hook is told.
#[derive(Debug, Default)]
pub struct Options {
    /// The service's address.
    pub url: Option<String>,
    /// The key to ask with.
    pub api_key: Option<SecretString>,
    /// Whose hook it is. `None`: recognized from its input.
    pub format: Option<Format>,
    /// How calls become requests.
    pub settings: Settings,
    /// For how long asking is attempted while the service can't be reached.
    pub retry: Duration,
}

/// Why there is no decision.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Something that is needed was not given.
    #[error("{0} is not set. Set it in the environment, or give {1}")]
    NotSet(&'static str, &'static str),
    /// The API key is unknown, revoked or expired.
    #[error("COUNTERSIGN_API_KEY is not a valid key. Ask your operator for one")]
    InvalidKey,
    /// The input could not be read.
    #[error("could not read the hook's input: {0}")]
    Input(String),
    /// The input is not a call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The service could not be asked, or refused.
    #[error(transparent)]
    Client(ClientError),
    /// The agent stopped the hook.
    #[error("{0} before there was a decision, so the request was cancelled")]
    Stopped(Stop),
    /// The service fell silent.
    #[error("Countersign did not answer before the hook's limit")]
    Late,
    /// A bug.
    #[error("internal error; please report it")]
    Panicked,
}

impl From<ClientError> for HookError {
    fn from(error: ClientError) -> Self {
        if error.is_invalid_key() { Self::InvalidKey } else { Self::Client(error) }
    }
}

impl Options {
    /// A client of the service.
    pub fn client(&self, entropy: &Entropy) -> Result<Client, HookError> {
        let url = self.url.as_ref().ok_or(HookError::NotSet("COUNTERSIGN_URL", "--url"))?;
        let key = self.api_key.as_ref().ok_or(HookError::NotSet("COUNTERSIGN_API_KEY", "--api-key"))?;
        Ok(Client::new(url, key, entropy.clone())?)
    }
}

/// Asks for the call on standard input. Returns what to write to standard output: `None` for nothing.
pub async fn run(options: Options, entropy: &Entropy) -> Result<Option<Value>, HookError> {
    // A panic would end the process with a status that agents don't take for a refusal.
    std::panic::set_hook(Box::new(|_| {}));
    let run = AssertUnwindSafe(decide(options, entropy)).catch_unwind();
    run.await.unwrap_or(Err(HookError::Panicked))
}

async fn decide(options: Options, entropy: &Entropy) -> Result<Option<Value>, HookError> {
    let started = Instant::now();
    let mut lifeline = Lifeline::new();
    let input = tokio::select! {
        input = read_input() => input?,
        stop = lifeline.stopped() => return Err(HookError::Stopped(stop)),
    };
    let call = Call::read(&input, options.format)?;
    let request = call.request(&options.settings)?;
    let client = options.client(entropy)?;
    let limit = Duration::from_secs(call.limit(&options.settings).into());
    let asking = Asking {
        client: &client,
        request: &request,
        idempotency_key: call.idempotency_key().unwrap_or_else(|| random_key(entropy)),
        ask_until: started + options.retry.min(limit / 2),
        wait_until: started + limit.saturating_sub(MARGIN),
    };
    let last = started + limit.saturating_sub(LAST);
    let decided = timeout_at(last, asking.decision(&mut lifeline)).await.unwrap_or(Err(HookError::Late));
    let approval = decided.map_err(|error| match error {
        // Only a key that is bound to a user can do without.
        HookError::Client(error) if request.user.is_none() && error.names_fault("/user") => {
            HookError::NotSet("COUNTERSIGN_USER", "--user")
        }
        error => error,
    })?;
    let verdict = Verdict::new(&request, &approval);
    let permitted = timeout_at(last, asking.permitted(verdict, &approval, last));
    Ok(answer(call.format, call.event, permitted.await.unwrap_or(Err(HookError::Late))?))
}

/// A request, and the time for it.
struct Asking<'a> {
    client: &'a Client,
    request: &'a Request,
    idempotency_key: String,
    ask_until: Instant,
    wait_until: Instant,
}

impl Asking<'_> {
    /// The approval once it has ended, or as it is when the time is over. Cancels it if the agent stops the hook.
    async fn decision(&self, lifeline: &mut Lifeline) -> Result<Approval, HookError> {
        let approval = tokio::select! {
            approval = self.ask(self.ask_until) => approval?,
            stop = lifeline.stopped() => {
                // The request may have arrived. Repeating it returns the approval's id.
                if let Ok(approval) = self.ask(Instant::now() + CANCEL_LIMIT).await {
                    self.cancel(&approval).await;
                }
                return Err(HookError::Stopped(stop));
            }
        };
        let waited = tokio::select! {
            waited = self.client.wait(approval.clone(), self.wait_until) => match waited {
                Ok(waited) => waited,
                Err(error) => {
                    // The call is refused, so no one should still be asked about it.
                    self.cancel(&approval).await;
                    return Err(error.into());
                }
            },
            stop = lifeline.stopped() => {
                self.cancel(&approval).await;
                return Err(HookError::Stopped(stop));
            }
        };
        if waited.decision.is_some() {
            return Ok(waited);
        }
        // It may have been decided in this moment; then cancelling returns the decision.
        let ended = self.cancel(&waited).await.filter(|ended| ended.check(self.request).is_ok());
        Ok(ended.unwrap_or(waited))
    }

    /// Takes the permit of a call that was approved: the agent runs it as soon as the hook has answered.
    async fn permitted(
        &self,
        verdict: Verdict,
        approval: &Approval,
        until: Instant,
    ) -> Result<Verdict, HookError> {
        let Verdict::Run { edited, .. } = &verdict else { return Ok(verdict) };
        let digest = edited.as_ref().map_or(approval.digest, Arguments::digest);
        // Hooks of two settings that ask for the same call have the same key, and share its permit.
        match self.client.take_permit(approval.id, digest, &self.idempotency_key, until).await {
            Ok(()) => Ok(verdict),
            Err(error) if error.is_refused_permit() => {
                Ok(Verdict::refuse(&format!("Not permitted to run: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ask(&self, until: Instant) -> Result<Approval, ClientError> {
        self.client.ask(self.request, &self.idempotency_key, until).await
    }

    /// What became of the approval; `None` if the service could not be reached.
    async fn cancel(&self, approval: &Approval) -> Option<Approval> {
        let until = Instant::now() + CANCEL_LIMIT;
        let cancelled = timeout_at(until, self.client.cancel(approval.id, until)).await;
        cancelled.ok()?.ok()
    }
}

/// For a call that nothing tells from others: the process asks once.
fn random_key(entropy: &Entropy) -> String {
    format!(
        "hook-{}",
        uuid::Uuid::from_u128(
            entropy.bytes().iter().take(16).fold(0, |all, byte| all << 8 | u128::from(*byte))
        )
    )
}

/// Reads standard input to its end. In a thread: an agent that never closes it must not keep the process from ending.
async fn read_input() -> Result<Vec<u8>, HookError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut input = Vec::new();
        let read = std::io::stdin().lock().take(LARGEST_INPUT + 1).read_to_end(&mut input);
        let _ = sender.send(read.map(|_| input));
    });
    let input = match tokio::time::timeout(INPUT_LIMIT, receiver).await {
        Ok(Ok(Ok(input))) => input,
        Ok(Ok(Err(error))) => return Err(HookError::Input(error.to_string())),
        Ok(Err(_)) => return Err(HookError::Panicked),
        Err(_) => {
            let seconds = INPUT_LIMIT.as_secs();
            return Err(HookError::Input(format!("standard input was not closed within {seconds} s")));
        }
    };
    if input.len() as u64 > LARGEST_INPUT {
        return Err(HookError::Input("it is larger than 16 MiB".to_owned()));
    }
    Ok(input)
}
