//! One store, and the rounds that it goes through.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use checkpoint_core::{Result as Answer, Store};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::account::Account;
use super::machine::Job;
use super::round::Round;
use super::title::{CONTESTED, session_of};
use super::{Machines, Report, judge};
use crate::chain::chain;
use crate::load::{Judged, Ledger, Seed, Snapshot, compare};
use crate::place::fresh;
use crate::subject::Subject;

/// One store, and what was said of it.
pub(super) struct Trial<'a> {
    subject: &'a Arc<dyn Subject>,
    machines: &'a Machines,
    seed: Seed,
    directory: Option<TempDir>,
    account: Account,
    /// Of the next machine.
    next: u64,
}

impl<'a> Trial<'a> {
    pub(super) fn begin(
        subject: &'a Arc<dyn Subject>,
        machines: &'a Machines,
        number: u64,
    ) -> Result<Self, String> {
        let seed = machines.seed.of(number);
        Ok(Self {
            subject,
            machines,
            seed,
            directory: Some(fresh(&machines.directory)?),
            account: Account::new(Ledger::new(seed, machines.writers)),
            next: 0,
        })
    }

    fn place(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Lets machines work and die, and judges what they left.
    pub(super) fn round(
        &mut self,
        number: u64,
        runtime: &Runtime,
        report: &mut Report,
    ) -> Result<(), String> {
        let counts = &self.machines.processes;
        let count = counts.get(number as usize % counts.len().max(1));
        let jobs = self.jobs(count.copied().unwrap_or(2));
        let before = self.sums();
        let patience = self.machines.patience;
        let seed = self.seed.of(number);
        Round::new(seed, patience, &mut self.account, report).run(&jobs)?;
        report.rounds += 1;
        report.wrong.append(&mut self.account.wrong);
        let judged = self.judge(runtime);
        report.checkpoints += judged.checkpoints;
        report.untold += judged.ahead.iter().filter(|ahead| **ahead).count() as u64;
        report.wrong.extend(judged.wrong);
        let now = self.sums();
        let [acknowledged, claims, refusals, swept, again] =
            std::array::from_fn(|at| now[at] - before[at]);
        report.acknowledged += acknowledged;
        report.claims += claims;
        report.refusals += refusals;
        report.swept += swept;
        report.again += again;
        Ok(())
    }

    /// What a report adds up.
    fn sums(&self) -> [u64; 5] {
        let Account {
            claims,
            swept,
            again,
            ..
        } = &self.account;
        let owners = claims.owners.len() as u64;
        let acknowledged = self.account.acknowledged();
        [acknowledged, owners, claims.refusals, *swept, *again]
    }

    fn jobs(&mut self, count: usize) -> Vec<Job> {
        let first = self.next;
        self.next += count as u64;
        let jobs = (first..self.next).map(|machine| Job {
            subject: self.subject.name().to_owned(),
            control: self.machines.control,
            seed: self.seed,
            machine,
            // The first sees to it, and another where there are many.
            maintains: (machine - first).is_multiple_of(3),
            sessions: self.sessions(),
            place: self.place().display().to_string(),
        });
        jobs.collect()
    }

    /// One for each machine where there are most.
    fn sessions(&self) -> usize {
        let most = self.machines.processes.iter().max();
        most.copied().unwrap_or(2)
    }

    /// Opens the store and compares, for as long as an error says that trying again may help. A store that cannot be
    /// read is as wrong as one that lacks something.
    fn judge(&self, runtime: &Runtime) -> Judged {
        let until = Instant::now() + self.machines.patience;
        loop {
            match runtime.block_on(self.look()) {
                Ok(judged) => return judged,
                Err(error) if error.is_retryable() && Instant::now() < until => {}
                Err(error) => {
                    return Judged {
                        wrong: vec![format!("the store cannot be read: {}", chain(&error))],
                        ..Judged::default()
                    };
                }
            }
        }
    }

    async fn look(&self) -> Answer<Judged> {
        let backend = self.subject.open(self.place()).await?;
        let store = Store::new(Arc::clone(&backend));
        // What a machine sent before it was killed may still be under way. After a commit of ours it comes too late.
        let sessions = (0..self.sessions()).map(session_of);
        for session in sessions.chain([CONTESTED.to_owned()]) {
            store.session(session).await?.claim().await?;
        }
        let snapshot = Snapshot::read(&store).await?;
        let mut judged = compare(&store, &snapshot, &self.account.ledger).await?;
        let owned = judge::owned(&snapshot, &self.account.claims);
        judged.wrong.extend(owned);
        let seen = judge::seen(&snapshot, &self.account.seen);
        judged.wrong.extend(seen);
        backend.close().await?;
        Ok(judged)
    }

    /// Leaves the store for who looks for the reason. What a control leaves nobody wants to see.
    pub(super) fn keep(&mut self) -> Option<PathBuf> {
        let keep = self.machines.control.is_none();
        self.directory.take().filter(|_| keep).map(TempDir::keep)
    }
}
