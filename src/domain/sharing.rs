//! Which message shows a pending request. A conversation gets two messages of single requests; later requests share one.

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::ApprovalId;

/// The maximum number of pending requests of a conversation that have messages of their own.
const OWN: usize = 2;
/// The maximum number of pending requests that share a message. Further ones begin another.
const MOST: usize = 100;
/// For how long requests join a shared message. Slack notifies no one of an update, so a later request begins another
/// message, which the user is notified of.
const OPEN_FOR: TimeDelta = TimeDelta::minutes(10);

/// The message that shows an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PromptMessage {
    /// The approval that the message was made for. Its id identifies the message.
    pub first: ApprovalId,
    /// Whether later requests may join.
    pub is_shared: bool,
    /// When the message was made.
    pub began_at: DateTime<Utc>,
}

/// A pending request of one user in one conversation and one place.
#[derive(Debug, Clone, Copy)]
pub struct WaitingRequest {
    /// The approval's id.
    pub id: ApprovalId,
    /// Whether it can't be approved together with others: its action is destructive or must be read, or its agent is
    /// paused.
    pub is_apart: bool,
    /// The message that shows the request, if it has one.
    pub message: Option<PromptMessage>,
}

/// Assigns messages to the requests that have none. Those that need a decision of their own come first, so that they have messages of their
/// own if there is room.
#[must_use]
pub fn assign(waiting: &[WaitingRequest], now: DateTime<Utc>) -> Vec<(ApprovalId, PromptMessage)> {
    let messages = || waiting.iter().filter_map(|request| request.message);
    let mut own = messages().filter(|message| !message.is_shared).count();
    let mut open = messages()
        .filter(|message| message.is_shared && now - message.began_at < OPEN_FOR)
        .max_by_key(|message| message.began_at);
    let mut joined = messages().filter(|message| Some(message.first) == open.map(|open| open.first)).count();
    let mut without: Vec<_> = waiting.iter().filter(|request| request.message.is_none()).collect();
    without.sort_by_key(|request| (!request.is_apart, request.id));
    let mut assigned = Vec::with_capacity(without.len());
    for WaitingRequest { id, .. } in without {
        let alone = |is_shared| PromptMessage { first: *id, is_shared, began_at: now };
        let message = match open {
            Some(open) if joined < MOST => open,
            None if own < OWN => alone(false),
            Some(_) | None => {
                joined = 0;
                *open.insert(alone(true))
            }
        };
        if message.is_shared {
            joined += 1;
        } else {
            own += 1;
        }
        assigned.push((*id, message));
    }
    assigned
}

/// How many requests of a user wait in one conversation and one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaitingCount {
    /// All of them.
    pub total: usize,
    /// Those that need a decision of their own.
    pub apart: usize,
}

impl WaitingCount {
    /// Counts requests.
    #[must_use]
    pub fn for_requests(waiting: &[WaitingRequest]) -> Self {
        let apart = waiting.iter().filter(|request| request.is_apart).count();
        Self { total: waiting.len(), apart }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn id(number: u128) -> ApprovalId {
        ApprovalId::new(Uuid::from_u128(number))
    }

    /// Requests without a message, the `destructive` ones among them.
    fn new(numbers: impl IntoIterator<Item = u128>, destructive: &[u128]) -> Vec<WaitingRequest> {
        let request = |number| WaitingRequest {
            id: id(number),
            is_apart: destructive.contains(&number),
            message: None,
        };
        numbers.into_iter().map(request).collect()
    }

    /// Assigns messages and stores them.
    fn place(waiting: &mut [WaitingRequest], now: DateTime<Utc>) {
        for (id, message) in assign(waiting, now) {
            waiting.iter_mut().find(|request| request.id == id).unwrap().message = Some(message);
        }
    }

    /// The message of each request: `own`, or the number of the request that it was made for.
    fn shown(waiting: &[WaitingRequest]) -> String {
        let name = |request: &WaitingRequest| match request.message.unwrap() {
            PromptMessage { is_shared: false, first, .. } => {
                assert_eq!(first, request.id);
                "own".to_owned()
            }
            message => message.first.uuid().as_u128().to_string(),
        };
        waiting.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn requests_share_a_message_from_the_third_on() {
        let mut waiting = new(1..=5, &[]);
        place(&mut waiting, at(0));
        assert_eq!(shown(&waiting), "own own 3 3 3");
        waiting.extend(new(6..=7, &[]));
        place(&mut waiting, at(60));
        assert_eq!(shown(&waiting), "own own 3 3 3 3 3");
    }

    #[test]
    fn one_by_one_gives_the_same_as_all_together() {
        let mut waiting = Vec::new();
        for number in [4, 2, 5, 3, 1] {
            waiting.extend(new([number], &[]));
            place(&mut waiting, at(0));
        }
        assert_eq!(shown(&waiting), "own own 5 5 5");
    }

    #[test]
    fn destructive_requests_have_messages_of_their_own_if_there_is_room() {
        let mut waiting = new(1..=5, &[3, 4, 5]);
        place(&mut waiting, at(0));
        assert_eq!(shown(&waiting), "5 5 own own 5");
    }

    #[test]
    fn no_request_takes_a_message_of_its_own_while_a_shared_one_is_open() {
        let mut waiting = new(1..=4, &[]);
        place(&mut waiting, at(0));
        waiting.drain(..2);
        waiting.extend(new([5], &[]));
        place(&mut waiting, at(1));
        assert_eq!(shown(&waiting), "3 3 3");
        let mut decided = new([6], &[]);
        place(&mut decided, at(2));
        assert_eq!(shown(&decided), "own", "once all others have ended");
    }

    #[test]
    fn requests_do_not_join_an_old_or_a_full_message() {
        let mut waiting = new(1..=4, &[]);
        place(&mut waiting, at(0));
        waiting.extend(new([5], &[]));
        place(&mut waiting, at(600));
        assert_eq!(shown(&waiting), "own own 3 3 5");
        let mut many = new(1..=103, &[]);
        place(&mut many, at(0));
        assert!(shown(&many).starts_with("own own 3 3") && shown(&many).ends_with(" 3 103"));
    }
}
