//! What was found in files of another system.

use std::collections::BTreeMap;
use std::fmt;

use crate::error::Error;

/// Faults that are told one by one; those beyond are counted.
const FAULTS: usize = 1_000;
/// Examples that are told of each remark.
const EXAMPLES: usize = 5;

/// What was found in files of another system, before anything of it is brought anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForeignReport {
    /// Checkpoints that can be brought.
    pub(crate) checkpoints: u64,
    /// Their sessions.
    pub(crate) sessions: u64,
    /// Entries that cannot be brought.
    pub(crate) wrong: u64,
    /// Why, each with its place and its id as written where it can be read; the first 1,000 of them.
    pub(crate) faults: Vec<Error>,
    /// What was changed, assumed or left behind.
    pub(crate) remarks: BTreeMap<Remark, Remarked>,
}

/// How often something was remarked, and on what.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Remarked {
    /// How often.
    pub count: u64,
    /// The first few.
    pub examples: Vec<String>,
}

macro_rules! remarks {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// Something that was changed, assumed or left behind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Remark {
            $($(#[$doc])* $name,)+
        }

        impl fmt::Display for Remark {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$name => $text,)+ })
            }
        }
    };
}

remarks! {
    /// An id had control characters or was too long; its original is in the metadata.
    IdMadeLegal = "ids made legal";
    /// A time was written without a zone.
    TimeWithoutZone = "times without a zone";
    /// A time was not set: the first second of the year 1.
    TimeNotSet = "times that were never set";
    /// A field was left out or null, and what it stands for was assumed.
    FieldAssumed = "fields that were missing";
    /// A field that the format does not have; it is kept in the metadata.
    FieldUnknown = "fields that the format does not have";
    /// Values of the environment were replaced by a mask.
    EnvironmentMasked = "environments masked";
    /// A sequence was 0, or was given before; the old one is in the metadata.
    Renumbered = "sequences given anew";
    /// Entries do not stand in the order of their sequences.
    OutOfOrder = "entries out of order";
    /// A trigger that is not among those known; its name is kept as the reason.
    TriggerUnknown = "triggers of unknown name";
    /// The same tag was there twice.
    TagTwice = "tags that were there twice";
    /// There was no checksum.
    ChecksumEmpty = "checksums that were empty";
    /// There was a checksum, made in a way that is not known; it is kept in the metadata.
    ChecksumUnverifiable = "checksums that cannot be verified";
    /// Two things that should agree do not.
    Disagreement = "things that disagree";
    /// Several files held the same checkpoint, and the newest was taken.
    OlderLeft = "older copies left behind";
    /// A file could not be read as what its name says, and its backup was taken.
    BackupTaken = "backups taken";
    /// A file that is of no use here.
    FileIgnored = "files left aside";
    /// What is said about the whole could not be used.
    OutlineIgnored = "notes on the whole left aside";
}

impl ForeignReport {
    pub(super) fn refuse(&mut self, reason: Error) {
        self.wrong += 1;
        if self.faults.len() < FAULTS {
            self.faults.push(reason);
        }
    }

    pub(super) fn remark(&mut self, remark: Remark, on: impl fmt::Display) {
        let remarked = self.remarks.entry(remark).or_default();
        remarked.count += 1;
        if remarked.examples.len() < EXAMPLES {
            remarked.examples.push(on.to_string());
        }
    }

    /// Takes over what was noted on an entry.
    pub(super) fn noted(&mut self, entry: &str, notes: Notes) {
        for (remark, on) in notes.0 {
            self.remark(remark, format_args!("{entry}: {on}"));
        }
    }
}

/// What was noted on one entry, as long as it is not known whether it is brought.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<(Remark, String)>);

impl Notes {
    pub(super) fn add(&mut self, remark: Remark, on: impl fmt::Display) {
        self.0.push((remark, on.to_string()));
    }
}
