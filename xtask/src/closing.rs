//! What a command that tries several things found, and the line with which it closes: `cargo xtask ci` reads it.

use crate::{Outcome, Verdict};

/// Things that were tried.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Closing {
    pub(crate) fn count(&mut self, holds: bool) {
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// Counts what cannot be tried here.
    pub(crate) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// Prints the line.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it is the last expression of commands"
    )]
    pub(crate) fn line(self) -> Outcome {
        let skipped = match self.skipped {
            0 => String::new(),
            skipped => format!(", {skipped} skipped"),
        };
        println!("{} passed, {} failed{skipped}", self.passed, self.failed);
        Ok(Verdict::from_success(self.failed == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_is_enough() {
        let of = |all: &[bool]| {
            let mut closing = Closing::default();
            all.iter().for_each(|holds| closing.count(*holds));
            closing.line()
        };
        assert_eq!(of(&[true, true]), Ok(Verdict::Holds));
        assert_eq!(of(&[true, false, true]), Ok(Verdict::Broken));
    }
}
