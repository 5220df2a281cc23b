//! The view that an address of the page requests: `/?as=U…&channel=C…&thread=TS`, `/home?as=U…`, `/about?as=U…`.

use serde::Deserialize;

/// The part of the address after `?`, with what the path adds to it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Look {
    /// The user to act as. `None` for the first one by name.
    #[serde(default, rename = "as")]
    pub(super) viewer: Option<String>,
    /// The channel or direct messages to show. `None` for the app's direct messages.
    #[serde(default)]
    pub(super) channel: Option<String>,
    /// The `ts` of the message whose thread is open beside the channel.
    #[serde(default)]
    pub(super) thread: Option<String>,
    /// `home` or `about`, else the conversation.
    #[serde(default)]
    pub(super) tab: Option<String>,
}

/// What is open in the middle of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tab {
    /// A channel or direct messages, with a thread beside it perhaps.
    Channel {
        /// `C…` or `D…`.
        id: String,
        /// The parent's `ts`.
        thread: Option<String>,
    },
    /// The app's direct messages, of which there are none yet.
    NoMessages,
    /// The app's Home tab.
    Home,
    /// The app's About tab.
    About,
}

impl Look {
    /// The same viewer's look at a tab.
    pub(super) fn at(self, tab: &str) -> Self {
        Self { tab: Some(tab.to_owned()), ..self }
    }

    /// What to open, given the viewer's direct messages and which channels they see.
    pub(super) fn tab(&self, direct: Option<&str>, sees: impl Fn(&str) -> bool) -> Tab {
        match self.tab.as_deref() {
            Some("home") => return Tab::Home,
            Some("about") => return Tab::About,
            _ => {}
        }
        let named = self.channel.as_deref().filter(|id| sees(id));
        match named.or(direct) {
            Some(id) => {
                Tab::Channel { id: id.to_owned(), thread: self.thread.clone().filter(|ts| is_ts(ts)) }
            }
            None => Tab::NoMessages,
        }
    }
}

/// Whether this looks like a `ts`: the page makes element ids of it.
fn is_ts(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The address of a channel, of a thread in it, as seen by `viewer`.
pub(super) fn channel_address(viewer: &str, channel: &str, thread: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("as", viewer).append_pair("channel", channel);
    if let Some(thread) = thread {
        query.append_pair("thread", thread);
    }
    format!("/?{}", query.finish())
}

/// The address of the Home or About tab, as seen by `viewer`.
pub(super) fn tab_address(viewer: &str, tab: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("as", viewer).finish();
    format!("/{tab}?{query}")
}

#[cfg(test)]
mod tests {
    use super::{Look, Tab, channel_address};

    #[test]
    fn a_channel_that_one_does_not_see_gives_way_to_the_direct_messages() {
        let look = Look { channel: Some("C1".into()), ..Look::default() };
        let direct = |tab| matches!(tab, Tab::Channel { id, .. } if id == "D1");
        assert!(direct(look.tab(Some("D1"), |_| false)));
        assert!(!direct(look.tab(Some("D1"), |_| true)));
        assert_eq!(look.tab(None, |_| false), Tab::NoMessages);
        assert_eq!(look.at("home").tab(Some("D1"), |_| true), Tab::Home);
    }

    #[test]
    fn a_thread_is_named_by_a_timestamp_only() {
        let at = |ts: &str| Look { thread: Some(ts.into()), ..Look::default() }.tab(Some("D1"), |_| true);
        assert_eq!(at("1.2"), Tab::Channel { id: "D1".into(), thread: Some("1.2".into()) });
        assert_eq!(at("\"><b>"), Tab::Channel { id: "D1".into(), thread: None });
    }

    #[test]
    fn addresses_are_encoded() {
        assert_eq!(channel_address("U&1", "C 1", Some("1.2")), "/?as=U%261&channel=C+1&thread=1.2");
    }
}
