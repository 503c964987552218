//! Taking away objects to which nothing leads any more.

/// The table of what is going to be taken away: the id of an object → the entry that said so.
pub(crate) const DOOMED: u8 = 64;
