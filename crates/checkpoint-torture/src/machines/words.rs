//! What machines and who started them say to each other, a line each.

use std::fmt;
use std::str::FromStr;

use crate::load::Acknowledged;

/// What a machine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has the store open.
    Opened,
    /// A step of a writer was acknowledged.
    Step(Acknowledged),
    /// An owner was acknowledged, or refused.
    Deed(Deed),
    /// It has read so many changes from the beginning, of this digest.
    Saw { changes: u64, digest: u64 },
    /// A call of upkeep was done.
    Swept,
    /// A call failed with an error that says to try again.
    Again(String),
    /// It has ended as it was told to.
    Done,
    /// It cannot go on.
    Wrong(String),
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened => write!(f, "opened"),
            Self::Step(told) => write!(f, "step {told}"),
            Self::Deed(deed) => write!(f, "own {deed}"),
            Self::Saw { changes, digest } => write!(f, "saw {changes} {digest}"),
            Self::Swept => write!(f, "swept"),
            Self::Again(why) => write!(f, "again {}", one_line(why)),
            Self::Done => write!(f, "done"),
            Self::Wrong(why) => write!(f, "! {}", one_line(why)),
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ")
}

impl FromStr for Told {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match word {
            "opened" => Self::Opened,
            "step" => Self::Step(rest.parse()?),
            "own" => Self::Deed(rest.parse()?),
            "saw" => {
                let [changes, digest] = numbers(rest)?;
                Self::Saw { changes, digest }
            }
            "swept" => Self::Swept,
            "again" => Self::Again(rest.to_owned()),
            "done" => Self::Done,
            "!" => Self::Wrong(rest.to_owned()),
            _ => return Err(format!("`{line}` is nothing that a machine says")),
        })
    }
}

/// What an owner did under an epoch of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) session: String,
    pub(super) epoch: u64,
    pub(super) what: What,
}

/// Numbers are those of titles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Claimed,
    Saved {
        number: u64,
        sequence: u64,
    },
    Tagged {
        number: u64,
    },
    Noted {
        number: u64,
    },
    /// The session is another's: a commit was refused by its epoch.
    Refused,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.session, self.epoch)?;
        match self.what {
            What::Claimed => write!(f, "claimed"),
            What::Saved { number, sequence } => write!(f, "saved {number} {sequence}"),
            What::Tagged { number } => write!(f, "tagged {number}"),
            What::Noted { number } => write!(f, "noted {number}"),
            What::Refused => write!(f, "refused"),
        }
    }
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{line}` is nothing that an owner does");
        let mut words = line.splitn(4, ' ');
        let session = words.next().ok_or_else(bad)?.to_owned();
        let epoch = words.next().and_then(|word| word.parse().ok());
        let (what, rest) = (words.next(), words.next().unwrap_or_default());
        let what = match what.ok_or_else(bad)? {
            "claimed" => What::Claimed,
            "saved" => {
                let [number, sequence] = numbers(rest)?;
                What::Saved { number, sequence }
            }
            "tagged" => What::Tagged {
                number: numbers::<1>(rest)?[0],
            },
            "noted" => What::Noted {
                number: numbers::<1>(rest)?[0],
            },
            "refused" => What::Refused,
            _ => return Err(bad()),
        };
        Ok(Self {
            session,
            epoch: epoch.ok_or_else(bad)?,
            what,
        })
    }
}

/// What a machine is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on with the steps of a writer, of which so many are done.
    Write { writer: usize, done: u64 },
    /// Claim a session, and work on it until another claims it.
    Own(String),
    /// The same, and claim it again each time.
    Contest(String),
    /// Finish what is under way, and end.
    End,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { writer, done } => write!(f, "write {writer} {done}"),
            Self::Own(session) => write!(f, "own {session}"),
            Self::Contest(session) => write!(f, "contest {session}"),
            Self::End => write!(f, "end"),
        }
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        Ok(match word {
            "write" => {
                let [writer, done] = numbers(rest)?;
                Self::Write {
                    writer: writer as usize,
                    done,
                }
            }
            "own" => Self::Own(rest.to_owned()),
            "contest" => Self::Contest(rest.to_owned()),
            "end" => Self::End,
            _ => return Err(format!("`{line}` is nothing that a machine does")),
        })
    }
}

/// So many numbers, with a space between each.
fn numbers<const N: usize>(text: &str) -> Result<[u64; N], String> {
    let all: Option<Vec<u64>> = text.split(' ').map(|word| word.parse().ok()).collect();
    let all = all.and_then(|all| all.try_into().ok());
    all.ok_or_else(|| format!("`{text}` is not {N} numbers"))
}
