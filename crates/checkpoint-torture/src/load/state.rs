//! States: text that follows from a few numbers, and of which the next one changes a little.

use std::fmt::Write;

use super::seed::Seed;

/// A state of one line lies in its checkpoint, one of many in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// What the first version is made of.
    pub(crate) base: Seed,
    /// Lines of about 60 bytes.
    pub(crate) lines: u64,
    /// Each version changes a line of the one before.
    pub(crate) version: u64,
}

impl State {
    pub(crate) fn text(&self) -> String {
        let mut lines: Vec<u64> = (0..self.lines).map(|n| self.base.of(n).0).collect();
        for version in 1..=self.version {
            let mut change = self.base.of(self.lines + version);
            let at = change.below(self.lines) as usize;
            lines[at] = change.0;
        }
        let mut text = String::new();
        for line in lines {
            let _ = writeln!(
                text,
                "the plan holds {line:016x} and {:016x} still",
                Seed(line).of(1).0
            );
        }
        text
    }
}
