//! File calls that fail, as a plan says.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

/// A kind of file call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Op {
    /// Opening a file, or making it.
    Open,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Setting the length of a file.
    Truncate,
    /// Syncing a file.
    Sync,
    /// Syncing a directory.
    SyncDirectory,
    /// Removing a file.
    Remove,
    /// Giving a file a second name, or another one.
    Name,
    /// Making or removing a directory.
    Directory,
}

impl Op {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Truncate,
        Self::Sync,
        Self::SyncDirectory,
        Self::Remove,
        Self::Name,
        Self::Directory,
    ];

    /// What can be wrong with it.
    #[must_use]
    pub const fn faults(self) -> &'static [Fault] {
        match self {
            Self::Write => &[Fault::Io, Fault::Full, Fault::Short],
            Self::Open | Self::Sync | Self::Name | Self::Directory | Self::Truncate => {
                &[Fault::Io, Fault::Full]
            }
            Self::Read | Self::SyncDirectory | Self::Remove => &[Fault::Io],
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Truncate => "truncate",
            Self::Sync => "sync",
            Self::SyncDirectory => "sync of a directory",
            Self::Remove => "removal",
            Self::Name => "naming",
            Self::Directory => "making of a directory",
        })
    }
}

/// What is wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The device failed (EIO); nothing of the call took place, as far as it tells.
    Io,
    /// No room is left (ENOSPC); nothing of the call took place.
    Full,
    /// The first half was written, and for the rest no room is left.
    Short,
}

impl Fault {
    /// What the system would answer.
    #[must_use]
    pub fn error(self) -> io::Error {
        match self {
            // EIO has no kind of its own.
            Self::Io => io::Error::other("an injected I/O error"),
            Self::Full | Self::Short => {
                io::Error::new(io::ErrorKind::StorageFull, "an injected lack of room")
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io => "EIO",
            Self::Full => "ENOSPC",
            Self::Short => "a short write",
        })
    }
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Calls of this kind.
    pub op: Op,
    /// The how manieth of them, from 1, counted since the plan was made.
    pub nth: u64,
    /// What is wrong with it.
    pub fault: Fault,
    /// Whether every later one fails too. A disk without room has none for any call that may need some.
    pub for_good: bool,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let often = if self.for_good { "for good" } else { "once" };
        write!(f, "{} at {} {}, {often}", self.fault, self.op, self.nth)
    }
}

/// Counts calls, and says which fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) plan: Option<Plan>,
    pub(super) calls: BTreeMap<Op, u64>,
    pub(super) struck: u64,
}

impl Faults {
    pub(super) fn call(&mut self, op: Op) -> Option<Fault> {
        let calls = self.calls.entry(op).or_default();
        *calls += 1;
        let plan = self.plan?;
        let strikes = if op == plan.op {
            *calls == plan.nth || plan.for_good && *calls > plan.nth
        } else {
            // Opening what is there needs no room, and most that is opened is there.
            let room = op != Op::Open && op.faults().contains(&Fault::Full);
            plan.for_good && plan.fault != Fault::Io && room && self.struck > 0
        };
        self.struck += u64::from(strikes);
        strikes.then_some(plan.fault)
    }
}
