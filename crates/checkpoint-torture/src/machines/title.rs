//! What an owner's checkpoints are called, and what stands in them.

use std::fmt;
use std::str::FromStr;

use crate::load::{Seed, State};

/// The session that all machines claim, again and again.
pub(super) const CONTESTED: &str = "own-all";
/// Every so many states are large, and lie in chunks.
const LARGE: u64 = 4;
const LINES: u64 = 300;

/// The session that the machine of this place claims when it starts.
pub(super) fn session_of(place: usize) -> String {
    format!("own-{place}")
}

/// Whether a session is claimed and worked on by owners.
pub(super) fn is_owned(session: &str) -> bool {
    session.starts_with("own-")
}

/// The id of a checkpoint, which tells by whom and under which epoch it was made, and that it is the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title {
    pub(super) session: String,
    pub(super) epoch: u64,
    pub(super) machine: u64,
    /// One more than that of the checkpoint before it in its session.
    pub(super) number: u64,
}

impl Title {
    /// What is saved under it. Most lines are those of the one before, so that machines share chunks.
    pub(super) fn state(&self, seed: Seed) -> String {
        let lines = if self.number.is_multiple_of(LARGE) {
            LINES
        } else {
            1
        };
        let state = State {
            base: seed,
            lines,
            version: self.number,
        };
        format!("{self}\n{}", state.text())
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            session,
            epoch,
            machine,
            number,
        } = self;
        write!(f, "{session}-{epoch}-{machine}-{number}")
    }
}

impl FromStr for Title {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{text}` is no checkpoint of an owner");
        let mut parts = text.rsplitn(4, '-');
        let mut number = || parts.next()?.parse().ok();
        let (last, machine, epoch) = (number(), number(), number());
        Ok(Self {
            session: parts.next().ok_or_else(bad)?.to_owned(),
            epoch: epoch.ok_or_else(bad)?,
            machine: machine.ok_or_else(bad)?,
            number: last.ok_or_else(bad)?,
        })
    }
}
