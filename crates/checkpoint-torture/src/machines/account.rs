//! All that the machines of one store said.

use std::collections::{BTreeMap, BTreeSet};

use super::claims::Claims;
use super::words::{Deed, Told, What};
use crate::load::Ledger;

/// What was acknowledged, and what was read.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) ledger: Ledger,
    pub(super) claims: Claims,
    /// Of each machine the digest of so many changes.
    pub(super) seen: BTreeMap<u64, BTreeMap<u64, u64>>,
    /// Machines, and what they did last in sessions that they own.
    pub(super) saved: BTreeSet<(u64, String)>,
    pub(super) refused: BTreeSet<(u64, String)>,
    /// Calls of upkeep that were done.
    pub(super) swept: u64,
    /// Calls that failed and were made again.
    pub(super) again: u64,
    pub(super) wrong: Vec<String>,
}

impl Account {
    pub(super) fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            claims: Claims::default(),
            seen: BTreeMap::new(),
            saved: BTreeSet::new(),
            refused: BTreeSet::new(),
            swept: 0,
            again: 0,
            wrong: Vec::new(),
        }
    }

    /// What was acknowledged so far: steps of writers, and what owners did.
    pub(super) fn acknowledged(&self) -> u64 {
        self.ledger.total() + self.claims.told - self.claims.refusals
    }

    pub(super) fn hear(&mut self, machine: u64, told: Told) -> Result<(), String> {
        match told {
            Told::Step(told) => self.ledger.hear(&told)?,
            Told::Deed(deed) => self.do_deed(machine, &deed),
            Told::Saw { changes, digest } => {
                let seen = self.seen.entry(machine).or_default();
                seen.insert(changes, digest);
            }
            Told::Swept => self.swept += 1,
            Told::Again(_) => self.again += 1,
            Told::Wrong(why) => self.wrong.push(format!("machine {machine}: {why}")),
            Told::Opened | Told::Done => {}
        }
        Ok(())
    }

    fn do_deed(&mut self, machine: u64, deed: &Deed) {
        self.claims.hear(machine, deed);
        let key = (machine, deed.session.clone());
        match deed.what {
            What::Saved { .. } => self.saved.insert(key),
            What::Refused => self.refused.insert(key),
            _ => false,
        };
    }
}
