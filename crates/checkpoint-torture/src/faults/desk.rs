//! A store under faults, and what its writers were told.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{Applied, Backend, Error, ErrorKind, Result};

use super::trial::Seen;
use crate::chain::chain;
use crate::control::Control;
use crate::disk::{Op, Plan, Tap};
use crate::load::{Acknowledged, Ledger, Writer, prepare};
use crate::subject::Subject;

/// Failures in a row after which a fault that is there for good is mended.
const PATIENCE: u64 = 2;

/// The store, who writes to it, and what they were told.
pub(super) struct Desk<'a> {
    pub(super) subject: &'a dyn Subject,
    pub(super) place: &'a Path,
    pub(super) tap: Tap,
    pub(super) plan: Option<Plan>,
    /// The calls that fail, or failed before it was mended.
    pub(super) failed: Option<Op>,
    pub(super) control: Option<Control>,
    pub(super) backend: Option<Arc<dyn Backend>>,
    pub(super) writers: Vec<Writer>,
    /// What is known by each mark.
    pub(super) known: Vec<Ledger>,
    pub(super) seen: Seen,
    /// Calls that had failed when an error was told last.
    accounted: u64,
    /// An error was told since the store was opened: from then on it may say `Stopped`, and be opened again.
    may_stop: bool,
    /// The same when the store was opened. What fails afterwards may be work that nobody waits for, such as making a log
    /// shorter, and then the store may say `Stopped` though nobody was told why before.
    since_open: u64,
    /// The same when the writers began to work at once: one that fails may account for an error of each.
    together: Option<u64>,
    in_a_row: u64,
}

/// What a step was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It is done.
    Done,
    /// It is to be tried again.
    Again,
    /// It is to be tried again, on a store that was opened anew.
    Stopped,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        subject: &'a dyn Subject,
        place: &'a Path,
        plan: Option<Plan>,
        ledger: Ledger,
    ) -> Result<Self> {
        let tap = Tap::on(place).map_err(|error| Error::storage("no tap").because(error))?;
        Ok(Self {
            subject,
            place,
            tap,
            plan,
            failed: plan.map(|plan| plan.op),
            control: None,
            backend: None,
            writers: Vec::new(),
            known: vec![ledger],
            seen: Seen::default(),
            accounted: 0,
            may_stop: false,
            since_open: 0,
            together: None,
            in_a_row: 0,
        })
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.known[self.known.len() - 1]
    }

    fn note(&mut self, change: impl FnOnce(&mut Ledger)) {
        let mut ledger = self.ledger().clone();
        change(&mut ledger);
        self.known.push(ledger);
        self.tap.mark();
    }

    /// From here on calls fail as planned.
    pub(super) fn begin_faults(&mut self) {
        self.tap.plan(self.plan);
    }

    /// No call fails any more.
    pub(super) fn mend(&mut self) {
        let struck = self.tap.struck();
        self.seen.struck += struck;
        self.may_stop |= struck > self.since_open;
        self.plan = None;
        (self.accounted, self.since_open) = (0, 0);
        self.tap.plan(None);
    }

    /// Notes an error that somebody was told. False when there is no reason for it: nothing failed since the last one.
    fn told(&mut self, error: &Error) -> bool {
        self.seen.told += 1;
        let unknown = ErrorKind::Unavailable {
            applied: Applied::Unknown,
        };
        self.seen.unknown += u64::from(*error.kind() == unknown);
        let struck = self.tap.struck();
        let failed = struck > self.together.unwrap_or(self.accounted);
        let may_stop = self.may_stop || struck > self.since_open;
        let has_reason = failed || may_stop && *error.kind() == ErrorKind::Stopped;
        self.accounted = struck;
        self.may_stop |= failed;
        if !has_reason {
            let why = chain(error);
            self.wrong(format!("an error with no call that failed: {why}"));
        } else if !self.is_honest(error) {
            let why = chain(error);
            self.wrong(format!("an error that tells nothing of a fault: {why}"));
        }
        self.in_a_row += 1;
        has_reason
    }

    /// Mends what is there for good, after it was seen often enough.
    fn mend_in_time(&mut self) {
        if self.in_a_row >= PATIENCE && self.plan.is_some_and(|plan| plan.for_good) {
            self.mend();
            self.in_a_row = 0;
        }
    }

    /// Whether an error is one that a failed call may have.
    fn is_honest(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::Storage | ErrorKind::Unavailable { .. } | ErrorKind::Stopped => true,
            // What cannot be read may be damaged, for all that anybody knows.
            ErrorKind::Corrupt => self.failed == Some(Op::Read),
            ErrorKind::Denied => self.failed == Some(Op::Open),
            _ => false,
        }
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.seen.wrong.push(what);
    }

    /// Opens the store, however often that fails for a reason.
    pub(super) async fn open(&mut self) -> Result<()> {
        loop {
            self.mend_in_time();
            self.since_open = self.tap.struck();
            match self.open_once().await {
                Ok(backend) => {
                    (self.in_a_row, self.may_stop) = (0, false);
                    self.note(|_| ());
                    let ledger = self.ledger();
                    let writer = |number| {
                        let (backend, done) = (Arc::clone(&backend), ledger.done(number));
                        Writer::new(backend, ledger.seed(), number, done)
                    };
                    self.writers = (0..ledger.writers()).map(writer).collect();
                    self.backend = Some(backend);
                    return Ok(());
                }
                Err(error) if *error.kind() == ErrorKind::Unsupported => return Err(error),
                Err(error) => {
                    if !self.told(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    async fn open_once(&self) -> Result<Arc<dyn Backend>> {
        // A short log, so that moving it is tried too.
        let backend = self.subject.open_tapped(self.place, &self.tap, 1).await?;
        if let Err(error) = prepare(Arc::clone(&backend)).await {
            let _ = backend.close().await;
            return Err(error);
        }
        match self.control {
            Some(control) => control.spoil(backend).await,
            None => Ok(backend),
        }
    }

    /// One step of a writer, however often it fails for a reason.
    pub(super) async fn step(&mut self, number: usize) -> Result<()> {
        loop {
            self.mend_in_time();
            if self.step_once(number).await? {
                return Ok(());
            }
        }
    }

    /// One step of a writer; whether it is done.
    pub(super) async fn step_once(&mut self, number: usize) -> Result<bool> {
        let result = self.writers[number].step().await;
        let told = self.heard(number, result)?;
        if told == Told::Stopped {
            self.reopen().await?;
        }
        Ok(told == Told::Done)
    }

    /// One step of each writer, all at once.
    pub(super) async fn step_together(&mut self) -> Result<()> {
        self.mend_in_time();
        self.together = Some(self.tap.struck());
        let mut writers = std::mem::take(&mut self.writers);
        let mut steps = tokio::task::JoinSet::new();
        for (number, mut writer) in writers.drain(..).enumerate() {
            steps.spawn(async move {
                let result = writer.step().await;
                (number, writer, result)
            });
        }
        let mut done = Vec::new();
        while let Some(step) = steps.join_next().await {
            done.push(step.map_err(|error| Error::storage("a writer panicked").because(error))?);
        }
        done.sort_by_key(|(number, ..)| *number);
        let mut results = Vec::new();
        for (number, writer, result) in done {
            self.writers.push(writer);
            results.push((number, result));
        }
        let (mut again, mut stopped) = (Vec::new(), false);
        for (number, result) in results {
            let told = self.heard(number, result)?;
            stopped |= told == Told::Stopped;
            if told != Told::Done {
                again.push(number);
            }
        }
        self.together = None;
        // Once all were heard: who works on goes by what is known.
        if stopped {
            self.reopen().await?;
        }
        for number in again {
            self.step(number).await?;
        }
        Ok(())
    }

    /// Notes what a step was told.
    fn heard(&mut self, number: usize, result: Result<Acknowledged>) -> Result<Told> {
        let error = match result {
            Ok(told) => {
                let mut heard = Ok(());
                self.note(|ledger| heard = ledger.hear(&told));
                self.in_a_row = 0;
                return heard.map(|()| Told::Done).map_err(Error::storage);
            }
            Err(error) => error,
        };
        if !self.told(&error) {
            return Err(error);
        }
        match error.kind() {
            ErrorKind::Unavailable {
                applied: Applied::Unknown,
            } => self.note(|ledger| ledger.doubt(number)),
            ErrorKind::Stopped => return Ok(Told::Stopped),
            _ => {
                // Nothing of it may be there, until it is tried again.
                self.note(|ledger| ledger.refuse(number));
                self.note(|ledger| ledger.try_again(number));
            }
        }
        Ok(Told::Again)
    }

    async fn reopen(&mut self) -> Result<()> {
        self.seen.reopened += 1;
        self.close().await;
        Box::pin(self.open()).await
    }

    /// As if the process was killed: another store goes on in another place with what the system has of the files.
    pub(super) async fn kill(&mut self, place: &'a Path) -> Result<()> {
        let failed = |error| Error::storage("a killed store cannot be put down").because(error);
        let journal = self.tap.journal();
        self.mend();
        journal.end().write_to(place).map_err(failed)?;
        self.close().await;
        self.tap = Tap::resume(place, &journal).map_err(failed)?;
        // Marks before this are in the other journal.
        self.known = vec![self.ledger().clone()];
        self.place = place;
        self.open().await
    }

    /// Closing may fail for a reason; the store is let go all the same.
    pub(super) async fn close(&mut self) {
        if let Some(backend) = self.backend.take()
            && let Err(error) = backend.close().await
        {
            self.told(&error);
        }
        self.writers.clear();
    }
}
