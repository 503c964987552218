//! How far a long verb is. Drawn on a terminal alone, and only once it takes longer than a glance; what it says is kept,
//! so that who interrupts a verb is told how far it was.

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::bytes;

/// How long a verb may take before it is said how far it is.
const GLANCE: Duration = Duration::from_millis(400);
/// How often it is drawn, so that a bar moves also while nothing is told.
const FRAME: Duration = Duration::from_millis(100);
/// What stands beside the longest bar: its words, numbers, rate and remaining time.
const WORDS: usize = 72;
/// How long the bar itself is, at least and at most.
const BAR: (usize, usize) = (4, 30);
/// Where nobody says how wide the terminal is.
const USUAL: usize = 80;

/// In what something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things of this name, such as `checkpoints`.
    Of(&'static str),
    Bytes,
    /// Of nothing that has a name: how much of the whole is told, or where nobody knows it, for how long.
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shown: Option<Shown>,
    /// Whether something draws it.
    is_drawn: bool,
}

struct Shown {
    doing: &'static str,
    unit: Unit,
    since: Instant,
    done: u64,
    total: Option<u64>,
    /// What is over is told, and drawn no more.
    is_over: bool,
    bar: Option<(ProgressBar, Shape)>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self(Arc::new(Inner {
            is_shown: !quiet && stderr().is_terminal(),
            state: Mutex::default(),
        }))
    }

    /// A part of the work begins, in place of the one before.
    pub(crate) fn begin(&self, doing: &'static str, unit: Unit) {
        self.clear();
        let mut state = self.0.state();
        state.shown = Some(Shown {
            doing,
            unit,
            since: Instant::now(),
            done: 0,
            total: None,
            is_over: false,
            bar: None,
        });
        if self.0.is_shown && !state.is_drawn {
            let inner = Arc::downgrade(&self.0);
            let drawing = thread::Builder::new().name("progress".to_owned());
            // Without it nothing is drawn, and all else goes on.
            state.is_drawn = drawing.spawn(move || draw(&inner)).is_ok();
        }
    }

    /// So much is done, and of how much, as far as anybody knows.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        if let Some(shown) = &mut self.0.state().shown {
            (shown.done, shown.total) = (done, total);
        }
    }

    /// For calls of the library that tell how far they are themselves.
    pub(crate) fn hears(&self) -> impl Fn(u64, u64) + Send + Sync + use<> {
        let progress = self.clone();
        move |done, total| progress.set(done, Some(total))
    }

    /// What was done, in words; none when nothing was counted.
    pub(crate) fn so_far(&self) -> Option<String> {
        let state = self.0.state();
        let shown = state.shown.as_ref()?;
        let (doing, done, unit) = (shown.doing, shown.done, shown.unit);
        Some(match (shown.total, unit) {
            (Some(total), Unit::Of(_)) => format!("{doing}: {done} of {}", unit.count(total)),
            (Some(total), Unit::Bytes) => {
                format!("{doing}: {} of {}", unit.count(done), unit.count(total))
            }
            (Some(total), Unit::Share) => {
                format!("{doing}: {} %", done.saturating_mul(100) / total.max(1))
            }
            (None, Unit::Share) => return None,
            (None, _) => format!("{doing}: {}", unit.count(done)),
        })
    }

    /// Takes the bar away; what it said is kept.
    pub(crate) fn clear(&self) {
        if let Some(shown) = &mut self.0.state().shown {
            shown.is_over = true;
            if let Some((bar, _)) = shown.bar.take() {
                bar.finish_and_clear();
            }
        }
    }

    /// Writes something to the terminal, with the bar out of its way.
    pub(crate) fn aside(&self, write: impl FnOnce()) {
        let state = self.0.state();
        match state.shown.as_ref().and_then(|shown| shown.bar.as_ref()) {
            Some((bar, _)) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Draws how far it is, again and again, for as long as anybody holds it.
fn draw(inner: &Weak<Inner>) {
    loop {
        thread::park_timeout(FRAME);
        let Some(inner) = inner.upgrade() else { return };
        if let Some(shown) = &mut inner.state().shown {
            shown.draw();
        }
    }
}

impl Shown {
    fn draw(&mut self) {
        if self.is_over || self.since.elapsed() < GLANCE {
            return;
        }
        let size = terminal_size::terminal_size_of(stderr());
        let shape = Shape {
            unit: self.unit,
            is_bounded: self.total.is_some(),
            width: size.map_or(USUAL, |(width, _)| usize::from(width.0)),
        };
        let (bar, drawn) = self
            .bar
            .get_or_insert_with(|| (bar(self.doing, shape, self.since), shape));
        if *drawn != shape {
            *drawn = shape;
            bar.set_style(shape.style());
        }
        if let Some(total) = self.total {
            bar.set_length(total.max(self.done));
        }
        bar.set_position(self.done);
        bar.tick();
    }
}

/// On what it rests how a bar looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    unit: Unit,
    /// Whether anybody knows how much there is to do.
    is_bounded: bool,
    /// Of the terminal.
    width: usize,
}

impl Shape {
    /// A bar with rate and remaining time; without a total, how much and how fast. It takes one line.
    fn template(self) -> String {
        let room = self.width.saturating_sub(WORDS);
        let long = room.clamp(BAR.0, BAR.1);
        match (self.unit, self.is_bounded) {
            (_, true) if room < BAR.0 => "{prefix} {percent} % ({eta} left)".to_owned(),
            (Unit::Of(name), true) => format!(
                "{{prefix}} [{{bar:{long}}}] {{human_pos}}/{{human_len}} {name} ({{rate}}, {{eta}} left)"
            ),
            (Unit::Bytes, true) => format!(
                "{{prefix}} [{{bar:{long}}}] {{binary_bytes}}/{{binary_total_bytes}} ({{binary_bytes_per_sec}}, {{eta}} left)"
            ),
            (Unit::Share, true) => {
                format!("{{prefix}} [{{bar:{long}}}] {{percent}} % ({{eta}} left)")
            }
            (Unit::Of(_), false) if room < BAR.0 => {
                "{prefix} {spinner} {human_pos} ({elapsed})".to_owned()
            }
            (Unit::Bytes, false) if room < BAR.0 => {
                "{prefix} {spinner} {binary_bytes} ({elapsed})".to_owned()
            }
            (Unit::Of(name), false) => {
                format!("{{prefix}} {{spinner}} {{human_pos}} {name} ({{rate}}, {{elapsed}})")
            }
            (Unit::Bytes, false) => {
                "{prefix} {spinner} {binary_bytes} ({binary_bytes_per_sec}, {elapsed})".to_owned()
            }
            (Unit::Share, false) => "{prefix} {spinner} ({elapsed})".to_owned(),
        }
    }

    fn style(self) -> ProgressStyle {
        let style = ProgressStyle::with_template(&self.template());
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let rate = |state: &ProgressState, write: &mut dyn fmt::Write| {
            // What does not fit in is left out.
            let _ = write!(write, "{:.0}/s", state.per_sec());
        };
        style.progress_chars("=> ").with_key("rate", rate)
    }
}

fn bar(doing: &'static str, shape: Shape, since: Instant) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    bar.set_style(shape.style());
    bar.set_prefix(doing);
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
    use std::io;

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
    fn what_nobody_counts_is_not_told() {
        let progress = Progress::new(true);
        progress.begin("counted", Unit::Share);
        assert_eq!(progress.so_far(), None);
    }

    /// A terminal that keeps what is drawn.
    #[derive(Clone, Debug)]
    struct Paper(u16, Arc<Mutex<String>>);

    impl Paper {
        fn drawn(&self) -> String {
            self.1.lock().expect("drawn").clone()
        }
    }

    impl indicatif::TermLike for Paper {
        fn width(&self) -> u16 {
            self.0
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().expect("drawn").push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_bar_takes_one_line() {
        let units = [Unit::Of("checkpoints"), Unit::Bytes, Unit::Share];
        let widths = [40, 76, 80, 200];
        let shapes = units.iter().flat_map(|unit| {
            let both = [true, false].into_iter();
            both.flat_map(move |is_bounded| widths.map(|width| (*unit, is_bounded, width)))
        });
        for (unit, is_bounded, width) in shapes {
            let shape = Shape {
                unit,
                is_bounded,
                width,
            };
            let bar = bar("witnessed", shape, Instant::now());
            let paper = Paper(u16::try_from(width).expect("a width"), Arc::default());
            bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(paper.clone())));
            if is_bounded {
                bar.set_length(9_876_543);
            }
            bar.set_position(1_234_567);
            bar.tick();
            let drawn = paper.drawn();
            let line = drawn.split("witnessed").last().expect("drawn").trim_end();
            // How fast it is would be another number in a while.
            let (before, after) = line.split_once('(').expect("what follows");
            let after = match after.contains("/s, ") {
                true => "(123.45 MiB/s, 10s left)",
                false => after,
            };
            let columns = "witnessed".len() + before.chars().count() + after.len();
            assert!(columns < width, "{shape:?}: {drawn}");
            // At 80 columns there is all that there is to tell.
            let is_whole = width < 80 || !is_bounded || line.contains("left)");
            assert!(is_whole, "{shape:?}: {drawn}");
        }
    }
}
