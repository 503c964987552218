//! Requests by kind: what a service bills.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! kinds {
    ($($kind:ident = $name:literal;)+) => {
        /// A kind of request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind,)+
        }

        /// Names, in the order of the kinds.
        const NAMES: [&str; [$($name),+].len()] = [$($name,)+];
    };
}

kinds! {
    Put = "put";
    Get = "get";
    List = "list";
    Head = "head";
    Delete = "delete";
}

/// Counts requests.
#[derive(Debug, Default)]
pub(crate) struct Requests([AtomicU64; NAMES.len()]);

impl Requests {
    pub(crate) fn count(&self, kind: Kind) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many of each kind were made.
    pub(crate) fn made(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        NAMES.into_iter().zip(counts).collect()
    }
}
