//! What a backend declares about the effect of an action.

/// What an action may do that a person should know before they approve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Risk {
    /// The action deletes or overwrites data.
    Destructive,
    /// The action moves money.
    Money,
    /// The action sends something to people or systems outside.
    External,
}

impl Risk {
    /// All risks, the gravest first.
    pub const ALL: [Self; 3] = [Self::Destructive, Self::Money, Self::External];

    /// The risk's name in the API and in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Destructive => "destructive",
            Self::Money => "money",
            Self::External => "external",
        }
    }

    /// The risk with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|risk| risk.as_str() == name)
    }
}

/// A set of risks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Risks(u8);

impl Risks {
    /// No risk.
    pub const NONE: Self = Self(0);

    const fn bit(risk: Risk) -> u8 {
        match risk {
            Risk::Destructive => 1,
            Risk::Money => 2,
            Risk::External => 4,
        }
    }

    /// Whether the set contains the risk.
    #[must_use]
    pub const fn contains(self, risk: Risk) -> bool {
        self.0 & Self::bit(risk) != 0
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The risks, the gravest first.
    pub fn iter(self) -> impl Iterator<Item = Risk> {
        Risk::ALL.into_iter().filter(move |risk| self.contains(*risk))
    }

    /// The names of the risks, as the database stores them.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Risk::as_str).collect()
    }
}

impl FromIterator<Risk> for Risks {
    fn from_iter<I: IntoIterator<Item = Risk>>(risks: I) -> Self {
        Self(risks.into_iter().fold(0, |set, risk| set | Self::bit(risk)))
    }
}

/// What a backend declares about the effect of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Impact {
    /// The backend declares nothing.
    #[default]
    Undeclared,
    /// The action changes nothing.
    ReadOnly,
    /// The action changes something, and these are its risks. There may be none.
    Changes(Risks),
}

impl Impact {
    /// The impact of an action that deletes or overwrites data.
    pub const DESTRUCTIVE: Self = Self::Changes(Risks(1));

    /// The impact as the database stores it. `None`: a risk has an unknown name, or an action that changes nothing has
    /// risks. Version 0.1.0 knew only the two flags; an action that it marked as destructive has that risk, even if it
    /// was marked as read-only as well.
    #[must_use]
    pub fn from_stored<T: AsRef<str>>(
        read_only: bool,
        destructive: bool,
        risks: Option<&[T]>,
    ) -> Option<Self> {
        let Some(names) = risks else {
            return Some(match (destructive, read_only) {
                (true, _) => Self::DESTRUCTIVE,
                (false, true) => Self::ReadOnly,
                (false, false) => Self::Undeclared,
            });
        };
        let risks = names.iter().map(|name| Risk::from_name(name.as_ref())).collect::<Option<Risks>>()?;
        match (read_only, risks.is_empty()) {
            (true, true) => Some(Self::ReadOnly),
            (true, false) => None,
            (false, _) => Some(Self::Changes(risks)),
        }
    }

    /// The declared risks. `None` if the backend declares nothing.
    #[must_use]
    pub const fn declared(self) -> Option<Risks> {
        match self {
            Self::Undeclared => None,
            Self::ReadOnly => Some(Risks::NONE),
            Self::Changes(risks) => Some(risks),
        }
    }

    /// The known risks.
    #[must_use]
    pub const fn risks(self) -> Risks {
        match self {
            Self::Undeclared | Self::ReadOnly => Risks::NONE,
            Self::Changes(risks) => risks,
        }
    }

    /// Whether the action deletes or overwrites data.
    #[must_use]
    pub const fn is_destructive(self) -> bool {
        self.risks().contains(Risk::Destructive)
    }

    /// Whether the action changes nothing.
    #[must_use]
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_version_0_1_0_keep_their_meaning() {
        let old = |read_only, destructive| Impact::from_stored::<&str>(read_only, destructive, None);
        assert_eq!(old(false, true), Some(Impact::DESTRUCTIVE));
        assert_eq!(old(true, true), Some(Impact::DESTRUCTIVE), "the graver of two that contradict");
        assert_eq!(old(true, false), Some(Impact::ReadOnly));
        assert_eq!(old(false, false), Some(Impact::Undeclared), "false was the default");
    }

    #[test]
    fn no_risk_and_no_declaration_are_told_apart() {
        let none = Impact::from_stored::<&str>(false, false, Some(&[]));
        assert_eq!(none, Some(Impact::Changes(Risks::NONE)));
        assert_eq!(none.and_then(Impact::declared), Some(Risks::NONE));
        assert_eq!(Impact::Undeclared.declared(), None);
    }

    #[test]
    fn what_is_unknown_or_contradicts_is_not_read() {
        assert_eq!(Impact::from_stored(false, false, Some(&["nuclear"])), None);
        assert_eq!(Impact::from_stored(true, false, Some(&["money"])), None);
    }

    #[test]
    fn risks_are_a_set_with_the_gravest_first() {
        let risks: Risks = [Risk::External, Risk::Destructive, Risk::External].into_iter().collect();
        assert_eq!(risks.names(), ["destructive", "external"]);
        assert!(!risks.contains(Risk::Money));
    }
}
