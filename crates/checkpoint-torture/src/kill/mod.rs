//! `kill -9` at random moments, while several writers save and are acknowledged.
//!
//! A child process opens the store, works the [load](crate::load) on it, and says a line for each step that was
//! acknowledged. It is killed after some lines, or while it opens the store. Then the store is opened and judged; every
//! other time a copy of it is, so that the next child finds it as it was left. Steps that were under way are done again.
//!
//! The child is the program itself: its `main` calls [`serve`] before anything else.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use checkpoint_torture::Subject;
//! use checkpoint_torture::kill::{Kill, run, serve};
//! use checkpoint_torture::load::Seed;
//!
//! fn main() {
//!     let mine: Arc<dyn Subject> = todo();
//!     serve(&[Arc::clone(&mine)]);
//!     let report = run(&mine, &Kill::new(Seed(1)).with_rounds(50), |line| println!("{line}"));
//!     println!("{}", report.unwrap());
//! }
//! # fn todo() -> Arc<dyn Subject> { unimplemented!() }
//! ```

mod child;
mod config;
mod round;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use self::round::Round;
use crate::chain::chain;
use crate::load::{Judged, Ledger, Seed, judge, prepare};
use crate::subject::Subject;

pub use self::child::serve;
pub use self::config::Kill;

/// Kills of one store, after which a fresh one is taken, so that judging takes no longer and longer.
const ROUNDS_OF_A_STORE: u64 = 20;
/// How often it is told how far a run has come.
const TELLING: Duration = Duration::from_secs(10);

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Children that were killed.
    pub kills: u64,
    /// Of those, such as were killed while they opened the store.
    pub while_opening: u64,
    /// Steps that were acknowledged.
    pub acknowledged: u64,
    /// Steps that were done and of which the child could not tell any more.
    pub untold: u64,
    /// Checkpoints that were there when the stores were judged, taken together.
    pub checkpoints: u64,
    /// What must not be. The run ends with the first round that finds something.
    pub wrong: Vec<String>,
    /// Where the store lies in which it was found.
    pub kept: Option<PathBuf>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills ({} while opening), {} steps acknowledged, {} done and not told, {} checkpoints compared, {} wrong",
            self.kills,
            self.while_opening,
            self.acknowledged,
            self.untold,
            self.checkpoints,
            self.wrong.len()
        )
    }
}

/// Kills as often as asked for, or until something is wrong.
///
/// # Errors
///
/// When it cannot be tried: no process or directory can be had, or the store does not open at all.
pub fn run(
    subject: &Arc<dyn Subject>,
    kill: &Kill,
    mut say: impl FnMut(&str),
) -> Result<Report, String> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start a runtime: {error}"))?;
    let mut report = Report::default();
    let mut told = Instant::now();
    let mut trial = None;
    for round in 0..kill.rounds {
        // What a broken backend leaves need not be what it can go on from.
        if round % ROUNDS_OF_A_STORE == 0 || kill.control.is_some() {
            trial = Some(Trial::begin(subject, kill, round, &runtime)?);
        }
        let Some(trial) = &mut trial else { break };
        trial.round(round, &runtime, &mut report)?;
        if !report.wrong.is_empty() {
            report.kept = trial.keep();
            break;
        }
        if told.elapsed() >= TELLING {
            told = Instant::now();
            say(&format!("{}: {report}", subject.name()));
        }
    }
    Ok(report)
}

/// One store, and what its writers were told.
struct Trial<'a> {
    subject: &'a Arc<dyn Subject>,
    kill: &'a Kill,
    seed: Seed,
    directory: Option<TempDir>,
    ledger: Ledger,
}

impl<'a> Trial<'a> {
    fn begin(
        subject: &'a Arc<dyn Subject>,
        kill: &'a Kill,
        number: u64,
        runtime: &Runtime,
    ) -> Result<Self, String> {
        let seed = kill.seed.of(number);
        let trial = Self {
            subject,
            kill,
            seed,
            directory: Some(fresh(&kill.directory)?),
            ledger: Ledger::new(seed, kill.writers),
        };
        let made = runtime.block_on(async {
            let backend = subject.open(trial.place()).await?;
            prepare(Arc::clone(&backend)).await?;
            backend.close().await
        });
        made.map_err(|error| format!("a fresh store cannot be made: {}", chain(&error)))?;
        Ok(trial)
    }

    fn place(&self) -> &Path {
        self.directory.as_ref().map_or(Path::new(""), TempDir::path)
    }

    /// Kills once and judges what is left.
    fn round(&mut self, number: u64, runtime: &Runtime, report: &mut Report) -> Result<(), String> {
        let mut seed = self.seed.of(number);
        let round = Round::spawn(
            self.subject.name(),
            self.kill,
            self.seed,
            self.place(),
            &self.ledger,
        )?;
        let ended = round.end(&mut seed)?;
        report.kills += 1;
        report.while_opening += u64::from(!ended.opened);
        report.acknowledged += ended.told.len() as u64;
        for told in &ended.told {
            self.ledger.hear(told)?;
        }
        report.wrong.extend(ended.wrong);
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

    /// A store that does not open, or cannot be read, is as wrong as one that lacks something.
    fn judge(&self, place: &Path, runtime: &Runtime) -> Judged {
        let judged = runtime.block_on(async {
            let backend = self.subject.open(place).await?;
            let judged = judge(Arc::clone(&backend), &self.ledger).await?;
            backend.close().await?;
            Ok(judged)
        });
        judged.unwrap_or_else(|error: checkpoint_core::Error| Judged {
            wrong: vec![format!("the store cannot be read: {}", chain(&error))],
            ..Judged::default()
        })
    }

    /// Leaves the store for who looks for the reason. What a control leaves nobody wants to see.
    fn keep(&mut self) -> Option<PathBuf> {
        let keep = self.kill.control.is_none();
        self.directory.take().filter(|_| keep).map(TempDir::keep)
    }
}

fn fresh(directory: &Path) -> Result<TempDir, String> {
    let made = tempfile::Builder::new()
        .prefix("torture-")
        .tempdir_in(directory);
    made.map_err(|error| {
        format!(
            "cannot make a directory in {}: {error}",
            directory.display()
        )
    })
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
