//! What was acknowledged.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::choice::choose;
use super::model::Model;
use super::seed::Seed;
use super::step::Step;

/// A step that was done, and the sequences of the checkpoints that it made.
///
/// As text it is one line, such as `3 17 120,121`: the writer, the number of the step, the sequences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// Who did it.
    pub writer: usize,
    /// Its number among the steps of its writer.
    pub step: u64,
    /// In the order in which the checkpoints were made.
    pub sequences: Vec<u64>,
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequences: Vec<_> = self.sequences.iter().map(u64::to_string).collect();
        write!(f, "{} {} {}", self.writer, self.step, sequences.join(","))
    }
}

impl FromStr for Acknowledged {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{line}` tells of no step");
        let mut words = line.split(' ');
        let (writer, step) = (words.next(), words.next());
        let sequences = words.next().ok_or_else(bad)?.split(',');
        let sequences = sequences.filter(|word| !word.is_empty()).map(str::parse);
        Ok(Self {
            writer: writer.and_then(|word| word.parse().ok()).ok_or_else(bad)?,
            step: step.and_then(|word| word.parse().ok()).ok_or_else(bad)?,
            sequences: sequences.collect::<Result<_, _>>().map_err(|_| bad())?,
        })
    }
}

/// What each writer was told.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(super) seed: Seed,
    pub(super) accounts: Vec<Account>,
}

/// What one writer was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Steps that were acknowledged: all before this number.
    pub(super) done: u64,
    /// What they made.
    pub(super) model: Model,
    /// The sequences that were given, by the name of the checkpoint, or of the fork whose root it is.
    pub(super) sequences: BTreeMap<String, u64>,
    /// The step after them was refused, and nothing of it may be there.
    pub(super) refused: bool,
    /// An earlier attempt at it ended with nobody knowing, so that no refusal says that nothing is there.
    doubted: bool,
}

impl Ledger {
    /// Of so many writers, none of which has done anything.
    #[must_use]
    pub fn new(seed: Seed, writers: usize) -> Self {
        Self {
            seed,
            accounts: vec![Account::default(); writers],
        }
    }

    /// What the steps of its writers follow from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// How many writers there are.
    #[must_use]
    pub fn writers(&self) -> usize {
        self.accounts.len()
    }

    /// How many steps of a writer were acknowledged.
    #[must_use]
    pub fn done(&self, writer: usize) -> u64 {
        self.accounts.get(writer).map_or(0, |account| account.done)
    }

    /// How many steps were acknowledged.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.accounts.iter().map(|account| account.done).sum()
    }

    /// Notes that a step was done.
    ///
    /// # Errors
    ///
    /// When it cannot be: the writer is not known, the step is not its next, or it did not make so many checkpoints.
    pub fn hear(&mut self, told: &Acknowledged) -> Result<(), String> {
        let account = self.accounts.get_mut(told.writer);
        let account = account.ok_or_else(|| format!("`{told}`: there is no such writer"))?;
        if told.step != account.done {
            return Err(format!("`{told}`: the next step is {}", account.done));
        }
        let step = choose(self.seed, told.writer, told.step, &account.model);
        let names = made_by(&step);
        if names.len() != told.sequences.len() {
            let made = names.len();
            return Err(format!("`{told}`: the step makes {made} checkpoints"));
        }
        account
            .sequences
            .extend(names.into_iter().zip(told.sequences.iter().copied()));
        account.model.apply(&step);
        account.done += 1;
        (account.refused, account.doubted) = (false, false);
        Ok(())
    }

    /// Notes that nobody knows whether the next step of a writer was done.
    pub fn doubt(&mut self, writer: usize) {
        if let Some(account) = self.accounts.get_mut(writer) {
            account.doubted = true;
        }
    }

    /// Whether nothing of the next step of a writer may be there.
    #[must_use]
    pub fn is_refused(&self, writer: usize) -> bool {
        let account = self.accounts.get(writer);
        account.is_some_and(|account| account.refused)
    }

    /// Notes that a writer tries a step again that was refused: from now on it may be there.
    pub fn try_again(&mut self, writer: usize) {
        if let Some(account) = self.accounts.get_mut(writer) {
            account.refused = false;
        }
    }

    /// Notes that the next step of a writer failed with an error that says that nothing was done. That is said of the
    /// last attempt: an earlier one that is in doubt may have done it.
    pub fn refuse(&mut self, writer: usize) {
        if let Some(account) = self.accounts.get_mut(writer) {
            let step = choose(self.seed, writer, account.done, &account.model);
            // Whoever forks looks at the fork once it is there: that may be what failed.
            let looks_after = matches!(step, Step::Fork { .. });
            account.refused = !account.doubted && !looks_after;
        }
    }
}

/// The names of the checkpoints that a step makes, that of a fork for its root.
pub(super) fn made_by(step: &Step) -> Vec<String> {
    match step {
        Step::Save(new) => vec![new.at.id.clone()],
        Step::Transaction { saves, .. } => saves.iter().map(|new| new.at.id.clone()).collect(),
        Step::Fork { into, .. } => vec![into.clone()],
        _ => Vec::new(),
    }
}
