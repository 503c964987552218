//! One store, killed again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkpoint_core::Error;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::child::Job;
use super::process::Child;
use super::{Kill, Report};
use crate::chain::chain;
use crate::load::{Judged, Ledger, Seed, judge, prepare};
use crate::place::fresh;
use crate::subject::Subject;

/// In one of so many rounds two children work on the store, where it may be shared.
const TOGETHER: u64 = 3;

/// One store, and what its writers were told.
pub(super) struct Trial<'a> {
    subject: &'a Arc<dyn Subject>,
    kill: &'a Kill,
    seed: Seed,
    directory: Option<TempDir>,
    ledger: Ledger,
    /// Several processes may have it open.
    shared: bool,
}

impl<'a> Trial<'a> {
    pub(super) fn begin(
        subject: &'a Arc<dyn Subject>,
        kill: &'a Kill,
        number: u64,
        runtime: &Runtime,
    ) -> Result<Self, String> {
        let seed = kill.seed.of(number);
        let mut trial = Self {
            subject,
            kill,
            seed,
            directory: Some(fresh(&kill.directory)?),
            ledger: Ledger::new(seed, kill.writers),
            shared: false,
        };
        let made = runtime.block_on(async {
            let backend = subject.open(trial.place()).await?;
            prepare(Arc::clone(&backend)).await?;
            backend.close().await?;
            Ok(backend.info().capabilities.shared)
        });
        trial.shared = made
            .map_err(|error: Error| format!("a fresh store cannot be made: {}", chain(&error)))?;
        Ok(trial)
    }

    fn place(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Kills, and judges what is left.
    pub(super) fn round(
        &mut self,
        number: u64,
        runtime: &Runtime,
        report: &mut Report,
    ) -> Result<(), String> {
        let mut seed = self.seed.of(number);
        let all: Vec<usize> = (0..self.kill.writers).collect();
        let together = self.shared && seed.below(TOGETHER) == 0;
        let shares: Vec<&[usize]> = if together {
            all.chunks(all.len().div_ceil(2)).collect()
        } else {
            vec![&all]
        };
        let children = shares.into_iter().map(|share| self.spawn(share));
        // The second goes on working when the first is dead.
        for mut child in children.collect::<Result<Vec<_>, _>>()? {
            child.wait(&mut seed)?;
            let said = child.kill()?;
            report.kills += 1;
            report.while_opening += u64::from(!said.opened);
            report.acknowledged += said.told.len() as u64;
            for told in &said.told {
                self.ledger.hear(told)?;
            }
            report.wrong.extend(said.wrong);
        }
        let copied = seed.below(2) == 0;
        let judged = if copied {
            let copy = fresh(&self.kill.directory)?;
            copy_files(self.place(), copy.path())
                .map_err(|error| format!("the store cannot be copied: {error}"))?;
            self.judge(copy.path(), runtime)
        } else {
            self.judge(self.place(), runtime)
        };
        report.checkpoints += judged.checkpoints;
        report.untold += judged.ahead.iter().filter(|ahead| **ahead).count() as u64;
        report.wrong.extend(judged.wrong);
        Ok(())
    }

    fn spawn(&self, writers: &[usize]) -> Result<Child, String> {
        let done = |writer: &usize| (*writer, self.ledger.done(*writer));
        Child::spawn(&Job {
            subject: self.subject.name().to_owned(),
            control: self.kill.control,
            seed: self.seed,
            writers: writers.iter().map(done).collect(),
            place: self.place().display().to_string(),
        })
    }

    /// A store that does not open, or cannot be read, is as wrong as one that lacks something.
    fn judge(&self, place: &Path, runtime: &Runtime) -> Judged {
        let judged = runtime.block_on(async {
            let backend = self.subject.open(place).await?;
            let judged = judge(Arc::clone(&backend), &self.ledger).await?;
            backend.close().await?;
            Ok(judged)
        });
        judged.unwrap_or_else(|error: Error| Judged {
            wrong: vec![format!("the store cannot be read: {}", chain(&error))],
            ..Judged::default()
        })
    }

    /// Leaves the store for who looks for the reason. What a control leaves nobody wants to see.
    pub(super) fn keep(&mut self) -> Option<PathBuf> {
        let keep = self.kill.control.is_none();
        self.directory.take().filter(|_| keep).map(TempDir::keep)
    }
}

fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy_files(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
