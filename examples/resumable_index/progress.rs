//! How far the work is, on standard error.

use std::io::{self, IsTerminal, Write};

/// One line that is written over on a terminal; elsewhere a line for each quarter of the work.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    terminal: bool,
    quarters: usize,
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            terminal: io::stderr().is_terminal(),
            quarters: 0,
        }
    }

    /// So many are done, and saved.
    pub(crate) fn at(&mut self, done: usize) {
        let quarters = (done * 4).checked_div(self.total).unwrap_or(4);
        if self.terminal {
            eprint!("\rsaved {done} of {} files", self.total);
            // Nobody is left to be told.
            let _ = io::stderr().flush();
        } else if quarters > self.quarters {
            eprintln!("saved {done} of {} files", self.total);
        }
        self.quarters = quarters;
    }

    /// Says something on a line of its own.
    pub(crate) fn note(&self, text: &str) {
        self.end();
        eprintln!("{text}");
    }

    /// Leaves the line.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprintln!();
        }
    }
}
