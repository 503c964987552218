//! Who does what, so that it can be said which operation hangs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Findings after which the rest is left out.
const MOST: usize = 100;

#[derive(Debug, Default)]
pub(super) struct Board {
    /// What is under way, by the name of who does it.
    doing: Mutex<Vec<Option<(String, Instant)>>>,
    wrong: Mutex<Vec<String>>,
    pub(super) operations: AtomicU64,
    pub(super) dropped: AtomicU64,
}

impl Board {
    /// Tells that an operation begins; it is over when the answer is dropped.
    pub(super) fn begins(&self, what: String) -> Doing<'_> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        let entry = Some((what, Instant::now()));
        let mut doing = self.doing.lock();
        let free = doing.iter().position(Option::is_none);
        let at = free.unwrap_or(doing.len());
        match free {
            Some(at) => doing[at] = entry,
            None => doing.push(entry),
        }
        Doing { board: self, at }
    }

    pub(super) fn wrong(&self, what: impl Into<String>) {
        let mut wrong = self.wrong.lock();
        if wrong.len() < MOST {
            wrong.push(what.into());
        }
    }

    pub(super) fn findings(&self) -> Vec<String> {
        self.wrong.lock().clone()
    }

    /// What has been under way for longer than this.
    pub(super) fn hanging(&self, patience: Duration) -> Vec<String> {
        let doing = self.doing.lock();
        let late = doing
            .iter()
            .flatten()
            .filter(|(_, since)| since.elapsed() > patience);
        late.map(|(what, since)| format!("{what} hangs since {} s", since.elapsed().as_secs()))
            .collect()
    }
}

/// An operation that is under way.
#[derive(Debug)]
pub(super) struct Doing<'b> {
    board: &'b Board,
    at: usize,
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.board.doing.lock()[self.at] = None;
    }
}
