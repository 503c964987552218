//! A load on a store below which a tap listens.

use std::path::Path;
use std::sync::Arc;

use checkpoint_core::{Backend, Error, Result, StoreId};
use parking_lot::Mutex;

use crate::control::Control;
use crate::disk::{Cut, Journal, Tap};
use crate::load::{Ledger, Seed, Writer, prepare};
use crate::subject::Subject;

/// Steps of each writer before the store is closed, and after it is opened again.
const STEPS: u64 = 9;
/// The same in every fifth load, of which making the store is the greater part.
const FEW: u64 = 1;
/// The same where the store was cut before.
const STEPS_AFTER_A_CUT: u64 = 3;

/// What is to be recorded.
pub(super) struct Plot<'a> {
    pub(super) subject: &'a Arc<dyn Subject>,
    pub(super) seed: Seed,
    pub(super) number: u64,
    pub(super) control: Option<Control>,
}

/// A load, and what was acknowledged when.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) seed: Seed,
    pub(super) number: u64,
    pub(super) journal: Journal,
    /// By the number of marks: what was acknowledged by then.
    pub(super) known: Vec<Known>,
}

/// What was acknowledged by some moment.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The id of the store, once opening it returned.
    pub(super) store: Option<StoreId>,
    pub(super) ledger: Ledger,
}

/// Notes what is acknowledged, with a mark in the tap's journal for each.
struct Notes {
    tap: Tap,
    known: Vec<Known>,
}

impl Notes {
    fn add(&mut self, change: impl FnOnce(&mut Known)) {
        // The first is what was known before anything was heard.
        let mut known = self.known[self.known.len() - 1].clone();
        change(&mut known);
        self.known.push(known);
        self.tap.mark();
    }
}

impl Plot<'_> {
    /// How many writers: one sometimes, so that each commit is a group of its own.
    fn writers(&self) -> usize {
        [1, 4, 3, 6][(self.number / 4 % 4) as usize]
    }

    /// From an empty directory.
    pub(super) async fn record(&self, place: &Path) -> Result<Recording> {
        let tap = listen(place)?;
        let known = Known {
            store: None,
            ledger: Ledger::new(self.seed, self.writers()),
        };
        let notes = Arc::new(Mutex::new(Notes {
            tap: tap.clone(),
            known: vec![known],
        }));
        let steps = if self.number.is_multiple_of(5) {
            FEW
        } else {
            STEPS
        };
        self.session(place, &tap, &notes, steps).await?;
        if self.control.is_none() {
            self.session(place, &tap, &notes, steps).await?;
        }
        Ok(self.recording(&tap, &notes))
    }

    /// From what a cut left.
    pub(super) async fn go_on(
        &self,
        place: &Path,
        recording: &Recording,
        cut: &Cut,
    ) -> Result<Recording> {
        let tap = listen(place)?;
        let notes = Arc::new(Mutex::new(Notes {
            tap: tap.clone(),
            known: vec![recording.known[cut.marks].clone()],
        }));
        self.session(place, &tap, &notes, STEPS_AFTER_A_CUT).await?;
        Ok(self.recording(&tap, &notes))
    }

    fn recording(&self, tap: &Tap, notes: &Mutex<Notes>) -> Recording {
        Recording {
            seed: self.seed.of(self.number),
            number: self.number,
            journal: tap.journal(),
            known: std::mem::take(&mut notes.lock().known),
        }
    }

    /// Opens the store, lets all writers work at once, and closes it.
    async fn session(
        &self,
        place: &Path,
        tap: &Tap,
        notes: &Arc<Mutex<Notes>>,
        steps: u64,
    ) -> Result<()> {
        let mut backend = self.subject.open_tapped(place, tap, self.number).await?;
        let id = backend.info().id;
        notes.lock().add(|known| known.store = Some(id));
        prepare(Arc::clone(&backend)).await?;
        if let Some(control) = self.control {
            backend = control.spoil(backend).await?;
        }
        let ledger = notes.lock().known[0].ledger.clone();
        let writers = ledger.writers();
        let mut working = tokio::task::JoinSet::new();
        for number in 0..writers {
            let done = notes
                .lock()
                .known
                .last()
                .map(|known| known.ledger.done(number));
            let writer = Writer::new(
                Arc::clone(&backend),
                ledger.seed(),
                number,
                done.unwrap_or(0),
            );
            working.spawn(work(writer, Arc::clone(notes), steps));
        }
        while let Some(done) = working.join_next().await {
            done.map_err(|error| Error::storage("a writer panicked").because(error))??;
        }
        close(backend).await
    }
}

async fn work(mut writer: Writer, notes: Arc<Mutex<Notes>>, steps: u64) -> Result<()> {
    for _ in 0..steps {
        let told = writer.step().await?;
        let mut heard = Ok(());
        notes.lock().add(|known| heard = known.ledger.hear(&told));
        heard.map_err(Error::storage)?;
    }
    Ok(())
}

async fn close(backend: Arc<dyn Backend>) -> Result<()> {
    backend.close().await
}

fn listen(place: &Path) -> Result<Tap> {
    Tap::on(place).map_err(|error| Error::storage("a tap cannot be had").because(error))
}
