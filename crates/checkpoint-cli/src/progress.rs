//! How far a long verb is. Drawn on a terminal alone, and only once it takes longer than a glance; what it says is kept,
//! so that who interrupts a verb is told how far it was.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::bytes;

/// How long a verb may take before it is said how far it is.
const GLANCE: Duration = Duration::from_millis(400);

/// In what something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things of this name, such as `checkpoints`.
    Of(&'static str),
    Bytes,
    /// Of nothing that has a name: how much of the whole is told.
    Share,
}

impl Unit {
    fn count(self, n: u64) -> String {
        match self {
            Self::Of(name) => format!("{n} {name}"),
            Self::Bytes => bytes(n),
            Self::Share => n.to_string(),
        }
    }
}

/// Shows how far a verb is. Clones show the same.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Inner>);

struct Inner {
    is_shown: bool,
    state: Mutex<Option<Shown>>,
}

struct Shown {
    doing: &'static str,
    unit: Unit,
    since: Instant,
    done: u64,
    total: Option<u64>,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self(Arc::new(Inner {
            is_shown: !quiet && stderr().is_terminal(),
            state: Mutex::new(None),
        }))
    }

    /// A part of the work begins, in place of the one before.
    pub(crate) fn begin(&self, doing: &'static str, unit: Unit) {
        self.clear();
        *self.state() = Some(Shown {
            doing,
            unit,
            since: Instant::now(),
            done: 0,
            total: None,
            bar: None,
        });
    }

    /// So much is done, and of how much, as far as anybody knows.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        let is_shown = self.0.is_shown;
        let mut state = self.state();
        let Some(shown) = &mut *state else { return };
        (shown.done, shown.total) = (done, total);
        if !is_shown || shown.since.elapsed() < GLANCE {
            return;
        }
        let (doing, unit, since) = (shown.doing, shown.unit, shown.since);
        let bar = shown
            .bar
            .get_or_insert_with(|| bar(doing, unit, total.is_some(), since));
        if let Some(total) = total {
            bar.set_length(total.max(done));
        }
        bar.set_position(done);
    }

    /// For calls of the library that tell how far they are themselves.
    pub(crate) fn hears(&self) -> impl Fn(u64, u64) + Send + Sync + use<> {
        let progress = self.clone();
        move |done, total| progress.set(done, Some(total))
    }

    /// What was done, in words; none when nothing was counted.
    pub(crate) fn so_far(&self) -> Option<String> {
        let state = self.state();
        let shown = state.as_ref()?;
        let (doing, done, unit) = (shown.doing, shown.done, shown.unit);
        Some(match (shown.total, unit) {
            (Some(total), Unit::Of(_)) => format!("{doing}: {done} of {}", unit.count(total)),
            (Some(total), Unit::Bytes) => {
                format!("{doing}: {} of {}", unit.count(done), unit.count(total))
            }
            (Some(total), Unit::Share) => {
                format!("{doing}: {} %", done.saturating_mul(100) / total.max(1))
            }
            (None, _) => format!("{doing}: {}", unit.count(done)),
        })
    }

    /// Takes the bar away; what it said is kept.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.state().as_mut().and_then(|shown| shown.bar.take()) {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Option<Shown>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A bar with rate and remaining time; without a total, how much and how fast.
fn bar(doing: &'static str, unit: Unit, bounded: bool, since: Instant) -> ProgressBar {
    let template = match (unit, bounded) {
        (Unit::Of(_), true) => {
            "{prefix} [{bar:30}] {human_pos}/{human_len} {msg} ({per_sec}, {eta} left)"
        }
        (Unit::Of(_), false) => "{prefix} {spinner} {human_pos} {msg} ({per_sec}, {elapsed})",
        (Unit::Share, true) => "{prefix} [{bar:30}] {percent} % ({eta} left)",
        (Unit::Share, false) => "{prefix} {spinner} ({elapsed})",
        (Unit::Bytes, true) => {
            "{prefix} [{bar:30}] {binary_bytes}/{binary_total_bytes} ({binary_bytes_per_sec}, {eta} left)"
        }
        (Unit::Bytes, false) => {
            "{prefix} {spinner} {binary_bytes} ({binary_bytes_per_sec}, {elapsed})"
        }
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(doing);
    if let Unit::Of(name) = unit {
        bar.set_message(name);
    }
    bar.with_elapsed(since.elapsed())
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("so_far", &self.so_far())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_in_words() {
        let progress = Progress::new(true);
        assert_eq!(progress.so_far(), None);
        progress.begin("copied", Unit::Of("checkpoints"));
        progress.set(3, None);
        assert_eq!(progress.so_far().as_deref(), Some("copied: 3 checkpoints"));
        progress.clear();
        progress.set(4, Some(10));
        assert_eq!(
            progress.so_far().as_deref(),
            Some("copied: 4 of 10 checkpoints")
        );
        progress.begin("copied", Unit::Bytes);
        progress.hears()(1 << 20, 2 << 20);
        assert_eq!(
            progress.so_far().as_deref(),
            Some("copied: 1.0 MiB of 2.0 MiB")
        );
        progress.begin("checked", Unit::Share);
        progress.set(3, Some(4));
        assert_eq!(progress.so_far().as_deref(), Some("checked: 75 %"));
    }

    #[test]
    fn every_bar_is_one_that_can_be_drawn() {
        for unit in [Unit::Of("checkpoints"), Unit::Bytes, Unit::Share] {
            for bounded in [true, false] {
                let bar = bar("copied", unit, bounded, Instant::now());
                bar.set_draw_target(ProgressDrawTarget::hidden());
                bar.set_position(3);
                assert_eq!(bar.position(), 3);
            }
        }
    }
}
