//! What owners were told.

use std::collections::{BTreeMap, BTreeSet};

use super::title::Title;
use super::words::{Deed, What};

/// What the owners of all sessions were told, over all machines of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// Who was told that it has an epoch of a session.
    pub(super) owners: BTreeMap<(String, u64), u64>,
    /// The sequence of each checkpoint that was acknowledged, by its id.
    pub(super) saved: BTreeMap<String, u64>,
    /// How many tags and notes of each were acknowledged.
    pub(super) tagged: BTreeMap<String, usize>,
    pub(super) noted: BTreeMap<String, usize>,
    /// Epochs under which somebody was refused.
    pub(super) refused: BTreeSet<(String, u64)>,
    /// What cannot be, whatever the store holds.
    pub(super) wrong: Vec<String>,
    pub(super) told: u64,
    pub(super) refusals: u64,
}

impl Claims {
    pub(super) fn hear(&mut self, machine: u64, deed: &Deed) {
        self.told += 1;
        let Deed {
            session,
            epoch,
            what,
        } = deed.clone();
        let key = (session.clone(), epoch);
        let id = |number| {
            let title = Title {
                session,
                epoch,
                machine,
                number,
            };
            title.to_string()
        };
        match what {
            What::Claimed => {
                if let Some(other) = self.owners.insert(key, machine) {
                    let both = format!("machines {other} and {machine} were given one epoch");
                    self.wrong.push(format!("{both}: `{deed}`"));
                }
            }
            What::Saved { number, sequence } => {
                let id = id(number);
                if self.saved.insert(id.clone(), sequence).is_some() {
                    self.wrong.push(format!("{id} was acknowledged twice"));
                }
            }
            What::Tagged { number } => *self.tagged.entry(id(number)).or_default() += 1,
            What::Noted { number } => *self.noted.entry(id(number)).or_default() += 1,
            What::Refused => {
                self.refusals += 1;
                self.refused.insert(key);
            }
        }
    }
}
